"""Connections that are kept open between requests.

asyncpg's own pool starts a task and a timer for each release, which takes as long as a statement.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

IDLE_SECONDS = 300
"""How long an unused connection is kept: firewalls drop those that are silent for longer."""


class Pool:
    """At most `size` connections, each used by one request at a time, the last used one first.

    Arguments:
        connect: opens a connection of asyncpg.
        size: how many connections there may be.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._open = 0
        self._idle: deque[tuple[Any, float]] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._used: set[Any] = set()
        self._closed = False

    def take_idle(self) -> Any | None:
        """Return a connection that is open already, or None."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            raw, since = self._idle.pop()
            if raw.is_closed() or now - since > IDLE_SECONDS:
                raw.terminate()
                self._open -= 1
                continue
            self._used.add(raw)
            return raw
        return None

    async def acquire(self) -> Any:
        """Return a connection, opened or waited for if need be; `release` must follow.

        Raises what `connect` raises.
        """
        while True:
            if self._closed:
                raise ConnectionError("the store is closed")
            raw = self.take_idle()
            if raw is not None:
                return raw
            if self._open < self._size:
                return await self._add()
            await self._wait()

    async def _add(self) -> Any:
        self._open += 1
        try:
            raw = await self._connect()
        except BaseException:
            self._open -= 1
            self._wake()
            raise
        self._used.add(raw)
        return raw

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._wake()  # what this request was woken for is free for the next one
            raise

    def release(self, raw: Any) -> None:
        """Keep a connection for the next request, or forget it if it is closed."""
        self._used.discard(raw)
        if self._closed and not raw.is_closed():
            raw.terminate()
        if raw.is_closed():
            self._open -= 1
        else:
            self._idle.append((raw, asyncio.get_running_loop().time()))
        self._wake()

    def _wake(self) -> None:
        """Let the request try that has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def close(self) -> None:
        """Close every connection; when this is cancelled, those are cut off that are left."""
        self._closed = True
        connections = [raw for raw, _ in self._idle] + list(self._used)
        self._idle.clear()
        while self._waiting:
            self._wake()
        try:
            await asyncio.gather(
                *[raw.close() for raw in connections if not raw.is_closed()],
                return_exceptions=True,
            )
        finally:
            for raw in connections:
                raw.terminate()
