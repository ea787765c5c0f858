"""Memory that is freed goes back to the system."""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD = -3  # of malloc.h
_LARGE = 1024**2


def return_large_blocks() -> bool:
    """Let glibc return every block of 1 MiB and more to the system as soon as it is freed.

    Otherwise, it would keep the blocks of Argon2, about 20 MB for each thread that computes a
    hash, after the first of them was freed. Returns False where the C library is another one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGE))
