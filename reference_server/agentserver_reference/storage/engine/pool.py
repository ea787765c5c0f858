"""Connections that are kept open between requests.

asyncpg's own pool starts a task and a timer for each release, which takes as long as a statement.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

IDLE_SECONDS = 300
"""How long an unused connection is kept: firewalls drop those that are silent for longer."""


class Poolable(Protocol):
    """What a pool needs to know of a connection."""

    def is_closed(self) -> bool:
        """Whether it cannot be used any more."""
        ...

    def terminate(self) -> None:
        """Close it without waiting for anything."""
        ...

    async def close(self) -> None:
        """Close it."""
        ...


C = TypeVar("C", bound=Poolable)


class Pool(Generic[C]):
    """At most `size` connections, each used by one request at a time, the last used one first.

    Requests that wait are served in their order: a connection that is released is handed over to
    the first of them, so that a request that arrives at the same time cannot take it.

    Arguments:
        connect: opens a connection.
        size: how many connections there may be.
    """

    def __init__(self, connect: Callable[[], Awaitable[C]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._open = 0
        self._idle: deque[tuple[C, float]] = deque()
        self._waiting: deque[asyncio.Future[C | None]] = deque()
        self._used: set[C] = set()
        self._closed = False

    def take_idle(self) -> C | None:
        """Return a connection that is open already, or None."""
        self._drop_old()
        while self._idle:
            raw, _ = self._idle.pop()
            if raw.is_closed():
                self._open -= 1
                continue
            self._used.add(raw)
            return raw
        return None

    async def acquire(self) -> C:
        """Return a connection, opened or waited for if need be; `release` must follow.

        Raises what `connect` raises, and ConnectionError if the pool is closed.
        """
        if self._closed:
            raise ConnectionError("the store is closed")
        raw = self.take_idle()
        if raw is not None:
            return raw
        if self._open < self._size:
            self._open += 1
            return await self._add()
        raw = await self._wait()
        return raw if raw is not None else await self._add()

    async def _add(self) -> C:
        """Open a connection, which is counted as open already."""
        try:
            raw = await self._connect()
        except BaseException:
            self._hand_over(None)
            raise
        if self._closed:
            raw.terminate()
            raise ConnectionError("the store is closed")
        self._used.add(raw)
        return raw

    async def _wait(self) -> C | None:
        turn: asyncio.Future[C | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on(turn.result())
            raise

    def release(self, raw: C) -> None:
        """Keep a connection for the next request, or forget it if it is closed."""
        if self._closed:
            raw.terminate()
        self._pass_on(raw)

    def _pass_on(self, raw: C | None) -> None:
        self._used.discard(raw)
        self._hand_over(None if raw is None or raw.is_closed() else raw)

    def _hand_over(self, raw: C | None) -> None:
        """Give a connection to the request that has waited longest; None lets it open one."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                if raw is not None:
                    self._used.add(raw)
                turn.set_result(raw)
                return
        if raw is None:
            self._open -= 1
        else:
            self._idle.append((raw, asyncio.get_running_loop().time()))

    def _drop_old(self) -> None:
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while self._idle and self._idle[0][1] < oldest:
            self._idle.popleft()[0].terminate()
            self._open -= 1

    async def close(self) -> None:
        """Close every connection; when this is cancelled, those are cut off that are left."""
        self._closed = True
        connections = [raw for raw, _ in self._idle] + list(self._used)
        self._idle.clear()
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(ConnectionError("the store is closed"))
        try:
            await asyncio.gather(
                *[raw.close() for raw in connections if not raw.is_closed()],
                return_exceptions=True,
            )
        finally:
            for raw in connections:
                raw.terminate()
