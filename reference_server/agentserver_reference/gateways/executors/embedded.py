"""The embedded gateway, to which executors are connected by WebSockets of this server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import attrs

from agentserver_reference.domain.errors import DatabaseUnavailable
from agentserver_reference.domain.executors import is_online
from agentserver_reference.storage import executors

if TYPE_CHECKING:
    from agentserver_reference.gateways.executors.protocol import Change, NewExecutor
    from agentserver_reference.replies import Socket
    from agentserver_reference.storage import Store
    from agentserver_reference.storage.engine.query import Record

INTERVAL = 2
"""Seconds between two looks at the database, where other processes end executors as well."""

SIGN_OF_LIFE = timedelta(seconds=20)
"""How often the open WebSockets are written down as signs of life."""

NORMAL, REVOKED = 1000, 1008


class EmbeddedExecutors:
    """Keeps the executors in the server's own database, and holds the WebSockets of this process.

    Arguments:
        store: the database.
        clock: the time, aware and in UTC.
        ids: returns new ids.
        background: begins work that goes on after the answer.
        wait: waits for so many seconds.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
        background: Callable[[str, Callable[[], Awaitable[None]]], None],
        wait: Callable[[float], Awaitable[object]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._background = background
        self._wait = wait
        self._open: dict[str, _Open] = {}
        self._is_watched = False
        self._touched = datetime.min.replace(tzinfo=clock().tzinfo)

    async def register(
        self, new: NewExecutor, commit: Callable[[str, Change | None], Awaitable[None]]
    ) -> None:
        """See Executors."""
        executor_id = f"exe_{self._ids()}"
        add = partial(
            executors.add,
            executor_id=executor_id,
            workspace_id=new.workspace_id,
            name=new.name,
            description=new.description,
            now=self._clock(),
        )
        await commit(executor_id, add)

    async def list_of(self, workspace_id: str) -> list[Record]:
        """See Executors."""
        rows, now = await self._store.read(executors.list_of, workspace_id), self._clock()
        return [_shown(row, now) for row in rows]

    async def unbind(
        self,
        workspace_id: str,
        executor_id: str,
        commit: Callable[[Change | None], Awaitable[None]],
    ) -> None:
        """See Executors. Its WebSocket is closed by the next look, in whatever process it is."""
        await commit(partial(executors.remove, workspace_id=workspace_id, executor_id=executor_id))

    async def hold(self, executor_id: str, socket_id: str, socket: Socket) -> None:
        """Keep a WebSocket open until the executor disconnects, has another one, or is revoked.

        Nobody gives executors work yet, so what they send is dropped.
        """
        for each in [each for each in self._open.values() if each.executor_id == executor_id]:
            await each.socket.close(NORMAL, "connected again")
        self._open[socket_id] = _Open(executor_id, socket)
        if not self._is_watched:
            self._is_watched = True
            self._background("executor sockets", self._watch)
        try:
            while True:
                await socket.receive()
        finally:
            del self._open[socket_id]
            with suppress(DatabaseUnavailable):  # without signs of life, it is not online for long
                await self._store.write(executors.disconnect, socket_id, self._clock())

    async def _watch(self) -> None:
        try:
            while self._open:
                await self._wait(INTERVAL)
                with suppress(DatabaseUnavailable):  # the store has logged it
                    await self.look()
        finally:
            self._is_watched = False

    async def look(self) -> None:
        """Close the WebSockets that may no longer be open, and write signs of life down."""
        socket_ids, now = list(self._open), self._clock()
        remaining = await self._store.read(executors.connected, socket_ids, now)
        for socket_id in socket_ids:
            found = self._open.get(socket_id)
            if found is not None and socket_id not in remaining:
                await found.socket.close(REVOKED, "revoked, or connected elsewhere")
        if remaining and now - self._touched >= SIGN_OF_LIFE:
            self._touched = now
            await self._store.write(executors.touch, remaining, now)

    async def close(self) -> None:
        """See Executors. The WebSockets are closed by the server, before."""


@attrs.frozen
class _Open:
    """A WebSocket that is open."""

    executor_id: str
    socket: Socket


def _shown(row: Record, now: datetime) -> Record:
    """Return an executor as it is listed: what is not known is left out."""
    socket_id = row.pop("socket_id")
    known = {name: value for name, value in row.items() if value is not None}
    return {
        **known,
        "is_default": False,
        "is_online": is_online(socket_id is not None, row["last_seen_at"], now),
    }
