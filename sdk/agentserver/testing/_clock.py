"""The time of a test server, which passes only when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeAlias

from attrs import define, field, frozen

Run: TypeAlias = Callable[[Coroutine[Any, Any, None]], None]
"""Runs a coroutine in the server's event loop, and waits for it."""

_MOST_STEPS = 1000
_MOST_TURNS = 1000
"""Turns of the event loop that a background loop may take until it waits again."""


@frozen(order=True)
class _Wait:
    until: datetime
    number: int
    task: asyncio.Task[Any] | None = field(order=False)
    over: asyncio.Future[None] = field(order=False)


@define(eq=False)
class Clock:
    """A clock that stands still until it is turned on.

    The server, its background work and the clients of the test server follow it: a client that
    waits before it repeats a call turns it on instead of waiting.
    """

    _run: Run
    _now: datetime
    _waits: list[_Wait] = field(factory=list, init=False)
    _numbers: count[int] = field(factory=count, init=False)

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        return self._now

    def advance(
        self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0
    ) -> None:
        """Turn the clock on; what the server does in the background until then has been done.

        Args:
            seconds: how far.
            minutes: the same in minutes, which are added.
            hours: the same in hours.
            days: the same in days.

        Raises:
            ValueError: time would go back.
        """
        span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if span < timedelta():
            raise ValueError("advance: time cannot go back")
        self._run(self.pass_time(span.total_seconds()))

    async def pass_time(self, seconds: float) -> None:
        """`advance`, in the server's event loop.

        What waits is woken in the order of its times. Over a long span it is woken in groups, a
        thousandth of the span late at most: a day has thousands of rounds of background work.
        """
        span = timedelta(seconds=seconds)
        end, step = self._now + span, span / _MOST_STEPS
        while self._waits and self._waits[0].until <= end:
            self._now = min(end, max(self._waits[0].until, self._now + step))
            while self._waits and self._waits[0].until <= self._now:
                wait = heappop(self._waits)
                if not wait.over.done():
                    wait.over.set_result(None)
                    await self._settled(wait.task)
        self._now = max(self._now, end)

    async def wait(self, seconds: float) -> None:
        """Wait in the server's event loop until the clock has been turned on that far."""
        over = asyncio.get_running_loop().create_future()
        until = self._now + timedelta(seconds=seconds)
        heappush(self._waits, _Wait(until, next(self._numbers), asyncio.current_task(), over))
        await over

    async def _settled(self, task: asyncio.Task[Any] | None) -> None:
        """Let a task that was woken do its work, until it waits for the clock again."""
        for _ in range(_MOST_TURNS):
            await asyncio.sleep(0)
            waits = any(wait.task is task and not wait.over.done() for wait in self._waits)
            if task is None or task.done() or waits:
                return

    def seconds(self) -> float:
        """The time in seconds since 1970."""
        return self._now.timestamp()


def whole_second() -> datetime:
    """The present, without fractions."""
    return datetime.now(UTC).replace(microsecond=0)
