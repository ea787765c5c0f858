"""The time of a test server, which passes only when a test says so."""

from __future__ import annotations

import asyncio
from asyncio import current_task
from bisect import insort
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any, Protocol, TypeAlias

from attrs import define, field, frozen

Run: TypeAlias = Callable[[Coroutine[Any, Any, None]], None]
"""Runs a coroutine in the server's event loop, and waits for it."""

_MOST_STEPS = 1000
_EXACT = timedelta(minutes=10)
"""The longest span over which everything is woken at its own time."""
_PATIENCE = 3.0
"""Seconds of real time in which something has done what is due, or waits for something else."""
_MOST_TURNS = 1000
"""Turns of the event loop that a background loop may take until it waits again."""


class Follower(Protocol):
    """What goes on in other threads, in the time of a clock."""

    def is_quiet(self) -> bool:
        """Whether nothing goes on until the clock is turned on."""
        ...

    def ignore_what_runs(self) -> None:
        """Do not count what goes on now any more."""


@frozen(order=True)
class _Wait:
    until: datetime
    number: int
    wake: Callable[[], object] = field(order=False)
    task: asyncio.Task[Any] | None = field(default=None, order=False)
    """Whose work is over when it waits again."""


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
    _lock: Lock = field(factory=Lock, init=False)
    """Agents wait in threads of their own."""
    _followers: list[Follower] = field(factory=list, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)

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

        What waits is woken in the order of its times. Over more than ten minutes it is woken in
        groups, a thousandth of the span late at most: a day has thousands of rounds of background
        work.
        """
        await self._pass_time(seconds, self._quiet)

    async def pass_time_in_call(self, seconds: float) -> None:
        """`advance`, while something that follows the clock waits for the answer to its call."""
        await self._pass_time(seconds, _at_once)

    async def _pass_time(self, seconds: float, quiet: Callable[[], Awaitable[None]]) -> None:
        span = timedelta(seconds=seconds)
        end, step = self._now + span, span / _MOST_STEPS if span > _EXACT else timedelta()
        await quiet()
        while (next_time := self._next_time()) <= end:
            self._now = min(end, max(next_time, self._now + step))
            while wait := self._taken():
                wait.wake()
                if wait.task is not None:
                    await self._settled(wait.task)
            await quiet()
        self._now = max(self._now, end)
        await quiet()

    async def wait(self, seconds: float) -> None:
        """Wait in the server's event loop until the clock has been turned on that far."""
        over = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not over.done():
                over.set_result(None)

        cancel = self._add(seconds, wake, current_task())
        try:
            await over
        finally:
            cancel()

    def call_later(self, seconds: float, wake: Callable[[], object]) -> Callable[[], None]:
        """Have something called when the clock has been turned on that far; from any thread.

        Returns:
            What takes it back.
        """
        return self._add(seconds, wake, None)

    def _add(
        self, seconds: float, wake: Callable[[], object], task: asyncio.Task[Any] | None
    ) -> Callable[[], None]:
        wait = _Wait(self._now + timedelta(seconds=seconds), next(self._numbers), wake, task)
        with self._lock:
            insort(self._waits, wait)

        def take_back() -> None:
            with self._lock:
                if wait in self._waits:
                    self._waits.remove(wait)

        return take_back

    def _next_time(self) -> datetime:
        with self._lock:
            return self._waits[0].until if self._waits else datetime.max.replace(tzinfo=UTC)

    def _taken(self) -> _Wait | None:
        """Take out the first that is due."""
        with self._lock:
            is_due = self._waits and self._waits[0].until <= self._now
            return self._waits.pop(0) if is_due else None

    async def _settled(self, task: asyncio.Task[Any]) -> None:
        """Let a task that was woken do its work, until it waits for the clock again."""
        for _ in range(_MOST_TURNS):
            await asyncio.sleep(0)
            if task.done() or any(wait.task is task for wait in self._waits):
                return

    @contextmanager
    def followed_by(self, follower: Follower) -> Iterator[None]:
        """Turn on only when something in other threads has done what is due."""
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)
            self.look_again()

    def look_again(self) -> None:
        """Tell, from any thread, that a follower may be quiet now."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def _quiet(self) -> None:
        """Wait, in real time, until all followers are quiet; one may never be."""
        if not self._followers:
            return
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_PATIENCE):
                while not all(follower.is_quiet() for follower in [*self._followers]):
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            for follower in self._followers:
                follower.ignore_what_runs()

    def seconds(self) -> float:
        """The time in seconds since 1970."""
        return self._now.timestamp()


async def _at_once() -> None:
    """Wait for nothing."""


def whole_second() -> datetime:
    """The present, without fractions."""
    return datetime.now(UTC).replace(microsecond=0)
