"""The embedded gateway, to which executors are connected by WebSockets of this server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from agentserver_reference.domain.online import is_online
from agentserver_reference.gateways.executors.relay import Relay
from agentserver_reference.gateways.sockets import HeldSockets
from agentserver_reference.storage import executor_harnesses, executors

if TYPE_CHECKING:
    from agentserver_reference.gateways.executors.protocol import Change, NewExecutor
    from agentserver_reference.replies import Socket
    from agentserver_reference.storage import Store
    from agentserver_reference.storage.engine.query import Record


class EmbeddedExecutors:
    """Keeps the executors in the server's own database, and holds the WebSockets of this process.

    Arguments:
        store: the database.
        clock: the time, aware and in UTC.
        ids: returns new ids.
        background: begins work that goes on after the answer.
        wait: waits for so many seconds.
        is_alone: there is no other process of the server.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        ids: Callable[[], str],
        background: Callable[[str, Callable[[], Awaitable[None]]], None],
        wait: Callable[[float], Awaitable[object]],
        *,
        is_alone: bool,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._relay = Relay(store, clock, background, wait, is_alone=is_alone)
        self._sockets = HeldSockets("executor sockets", executors, store, clock, background, wait)
        self._harnesses = HeldSockets(
            "harness sockets", executor_harnesses, store, clock, background, wait
        )

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

    async def list_of(self, workspace_id: str, user_id: str) -> list[Record]:
        """See Executors."""
        rows, now = await self._store.read(executors.list_of, workspace_id), self._clock()
        return [_shown(row, now) for row in rows]

    async def unbind(
        self,
        workspace_id: str,
        executor_id: str,
        user_id: str,
        commit: Callable[[Change | None], Awaitable[None]],
    ) -> None:
        """See Executors. Its WebSocket is closed by the next look, in whatever process it is."""
        await commit(partial(executors.remove, workspace_id=workspace_id, executor_id=executor_id))

    async def hold(self, executor_id: str, socket_id: str, socket: Socket) -> None:
        """Keep a WebSocket open until the executor disconnects, has another one, or is revoked."""
        serve = partial(self._relay.serve, socket_id, socket)
        await self._sockets.hold(socket_id, socket, serve, alone=executor_id)

    async def hold_harness(self, socket_id: str, executor_socket_id: str, socket: Socket) -> None:
        """Keep a WebSocket open until the harness disconnects, or may no longer use the executor.

        Arguments:
            socket_id: the id of the WebSocket.
            executor_socket_id: that of the executor which it uses.
            socket: the WebSocket.
        """
        serve = partial(self._relay.serve, socket_id, socket, executor_socket_id)
        await self._harnesses.hold(socket_id, socket, serve)

    async def close(self) -> None:
        """See Executors. The WebSockets are closed by the server, before."""


def _shown(row: Record, now: datetime) -> Record:
    """Return an executor as it is listed: what is not known is left out."""
    socket_id = row.pop("socket_id")
    known = {name: value for name, value in row.items() if value is not None}
    return {
        **known,
        "is_default": False,
        "is_online": is_online(socket_id is not None, row["last_seen_at"], now),
    }
