"""The pace of those who wait: how often they read what they wait for, all together."""

from __future__ import annotations

from math import inf
from threading import Lock
from typing import Final

_INTERVAL: Final = 0.1
_NEVER: Final = -inf


class Pacer:
    """Spreads the requests of all who wait through one client: ten a second together."""

    __slots__ = ("_lock", "_next")

    def __init__(self) -> None:
        self._next = _NEVER
        self._lock = Lock()

    def reserve(self, now: float, latest: float = inf) -> float | None:
        """Return how many seconds to wait before the next request may be sent.

        None, and nothing is reserved, if one would have to wait beyond the time `latest`.
        """
        with self._lock:
            slot = max(now, self._next)
            if slot > max(now, latest):
                return None
            self._next = slot + _INTERVAL
        return slot - now
