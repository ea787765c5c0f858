"""Limits how many requests a run sends in a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from agentserver_contract.http.messages import Request, Response


class RateLimit:
    """A hook of a target that spaces its requests evenly.

    Args:
        per_second: How many requests may be sent in a second.
        clock: Tells the time in seconds.
        sleep: Waits for a number of seconds.
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
        """Wait until the request may be sent."""
        with self._lock:
            now = self._clock()
            due = max(now, self._next)
            self._next = due + self._interval
        if due > now:
            self._sleep(due - now)

    def after(self, request: Request, response: Response) -> None:
        """Responses are not limited."""
