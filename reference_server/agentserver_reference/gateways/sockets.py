"""WebSockets that stay open for long: each has a row, by which every process knows of it.

The row says when there was a sign of life last, and whether it may remain open.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

import attrs

from agentserver_reference.domain.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from agentserver_reference.replies import Socket
    from agentserver_reference.storage import Store
    from agentserver_reference.storage.engine.connection import Connection

INTERVAL = 2
"""Seconds between two looks at the database, where other processes end WebSockets as well."""

SIGN_OF_LIFE = timedelta(seconds=20)
"""How often the open WebSockets are written down as signs of life."""

NORMAL, REVOKED = 1000, 1008


class SocketRows(Protocol):
    """The queries about the rows of WebSockets, by their ids: a module of `storage`."""

    def connected(
        self, conn: Connection, socket_ids: Collection[str], now: datetime, /
    ) -> set[str]:
        """Those of these WebSockets that may remain open."""
        ...

    def touch(self, conn: Connection, socket_ids: Collection[str], now: datetime, /) -> None:
        """Write a sign of life down."""
        ...

    def disconnect(self, conn: Connection, socket_id: str, now: datetime, /) -> None:
        """Note that a WebSocket is closed."""
        ...


class HeldSockets:
    """Holds the WebSockets of one kind that this process has open.

    Arguments:
        name: what they are called in the log.
        rows: their rows.
        store: the database.
        clock: the time, aware and in UTC.
        background: begins work that goes on after the answer.
        wait: waits for so many seconds.
    """

    def __init__(
        self,
        name: str,
        rows: SocketRows,
        store: Store,
        clock: Callable[[], datetime],
        background: Callable[[str, Callable[[], Awaitable[None]]], None],
        wait: Callable[[float], Awaitable[object]],
    ) -> None:
        self._name = name
        self._rows = rows
        self._store = store
        self._clock = clock
        self._background = background
        self._wait = wait
        self._open: dict[str, _Open] = {}
        self._is_watched = False
        self._touched = datetime.min.replace(tzinfo=clock().tzinfo)

    async def hold(
        self,
        socket_id: str,
        socket: Socket,
        converse: Callable[[], Awaitable[None]],
        *,
        alone: str | None = None,
    ) -> None:
        """Converse by a WebSocket, until the client leaves or it may no longer be open.

        Arguments:
            socket_id: the id in its row.
            socket: the WebSocket.
            converse: what is said, until SocketClosed is raised.
            alone: what has one WebSocket at a time: another one is closed.
        """
        for each in [each for each in self._open.values() if alone and each.alone == alone]:
            self._close(each.socket, NORMAL, "connected again")
        self._open[socket_id] = _Open(socket, alone)
        if not self._is_watched:
            self._is_watched = True
            self._background(self._name, self._watch)
        try:
            await converse()
        finally:
            del self._open[socket_id]
            with suppress(DatabaseUnavailable):  # without signs of life, it is not online for long
                await self._store.write(self._rows.disconnect, socket_id, self._clock())

    async def _watch(self) -> None:
        try:
            while self._open:
                await self._wait(INTERVAL)
                with suppress(DatabaseUnavailable):  # the store has logged it
                    await self._look()
        finally:
            self._is_watched = False

    async def _look(self) -> None:
        """Close the WebSockets that may no longer be open, and write signs of life down."""
        socket_ids, now = list(self._open), self._clock()
        remaining = await self._store.read(self._rows.connected, socket_ids, now)
        for socket_id in socket_ids:
            found = self._open.get(socket_id)
            if found is not None and socket_id not in remaining:
                self._close(found.socket, REVOKED, "revoked, or connected elsewhere")
        if remaining and now - self._touched >= SIGN_OF_LIFE:
            self._touched = now
            await self._store.write(self._rows.touch, remaining, now)

    def _close(self, socket: Socket, code: int, reason: str) -> None:
        """Close a WebSocket, without waiting for a client that reads nothing."""
        self._background(self._name, partial(socket.close, code, reason))


@attrs.frozen
class _Open:
    """A WebSocket that is open."""

    socket: Socket
    alone: str | None
