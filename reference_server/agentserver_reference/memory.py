"""Memory that is freed goes back to the system, and what stays is old at once."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def long_lived() -> Iterator[None]:
    """Make what stays as long as the process, such as modules.

    The garbage collector would look through it again and again, which takes a seventh of the start.
    So it pauses in the block, and afterwards counts what is there as old, as if it had done so.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # into the oldest generation
        gc.enable()
