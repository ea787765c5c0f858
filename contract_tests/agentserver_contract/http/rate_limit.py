"""Holds a run to a number of requests a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from agentserver_contract.http.messages import Answer, Request


class Pace:
    """Watches a target, and lets requests out one after the other at a steady pace.

    Args:
        per_second: How many requests may be sent in a second.
        clock: Seconds from any beginning.
        sleep: Waits for as many seconds.
    """

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._lock = threading.Lock()

    def before(self, request: Request) -> None:
        """Wait for this request's turn."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._interval
        if turn > now:
            self._sleep(turn - now)

    def after(self, request: Request, answer: Answer) -> None:
        """An answer costs nothing."""
