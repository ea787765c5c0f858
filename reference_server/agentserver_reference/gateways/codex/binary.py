"""Codex itself: a process of `codex app-server` for each workspace that has something to do."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import attrs

from agentserver_reference.domain.errors import BadGateway, DatabaseUnavailable
from agentserver_reference.domain.turns import (
    BROKER_TIMEOUT,
    DISCONNECT,
    FAILED,
    RPC_ERROR,
    SUBPROCESS_CRASH,
    Outcome,
)
from agentserver_reference.gateways.codex.app_server import (
    SERVER,
    AppServer,
    CodexUnavailable,
    Start,
)
from agentserver_reference.gateways.codex.connection import ConnectionLost, connected
from agentserver_reference.gateways.codex.models import ModelFailed, first_model
from agentserver_reference.gateways.codex.protocol import Host, TurnRequest, Visit
from agentserver_reference.gateways.codex.relay import Relay
from agentserver_reference.gateways.codex.rpc import RpcError
from agentserver_reference.gateways.codex.turn import CodexTurn
from agentserver_reference.sandbox_backends.linux import (
    Family,
    ProcessId,
    kill_children_of_dead_servers,
    mark,
)
from agentserver_reference.storage import sqlite_path, workspaces

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings
    from agentserver_reference.storage import Store

IDLE = timedelta(minutes=30)
"""After how long a process ends that has nothing to do."""

INTERVAL = 60
"""Seconds between two looks at the processes."""


@attrs.define(eq=False)
class _Place:
    """The process of a workspace, if it has one now."""

    used_at: datetime
    lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    server: AppServer | None = None
    users: int = 0


class CodexBinary:
    """Runs turns with the codex of the operator.

    Arguments:
        command: how codex is started.
        settings: the settings.
        store: the database.
        clock: the time, aware and in UTC.
        url: returns where the server is reached from this machine.
        background: begins work that goes on after the answer.
        wait: waits for so many seconds.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        settings: Settings,
        store: Store,
        clock: Callable[[], datetime],
        url: Callable[[], str],
        background: Callable[[str, Callable[[], Awaitable[None]]], None],
        wait: Callable[[float], Awaitable[object]],
    ) -> None:
        self._command = command
        self._settings = settings
        self._store = store
        self._clock = clock
        self._url = url
        self._background = background
        self._wait = wait
        self._places: dict[str, _Place] = {}
        self._server = str(ProcessId.of_this_process())
        self._is_watched = False
        self._has_looked = False
        is_kept = settings.is_postgresql or sqlite_path(settings.resolved_database_url) is not None
        self._folder = settings.data_dir / "codex" if is_kept else None
        """The folder of all workspaces; for a database in memory, one that is made when needed and
        removed in the end."""
        self._is_temporary = not is_kept

    async def run(self, request: TurnRequest, host: Host) -> Outcome:
        """See Codex."""
        thread_id = request.thread_id or ""
        try:
            with anyio.fail_after(request.timeout):
                model = await first_model(host.ask)
                async with (
                    self._running(request.workspace_id, host, model) as server,
                    connected(server) as connection,
                ):
                    turn = CodexTurn(connection, request, self._clock)
                    try:
                        ended = await turn.run(model, self._folder_of(request.workspace_id, "work"))
                    finally:
                        thread_id = turn.thread_id
            return Outcome(thread_id, turn=ended)
        except ModelFailed as failed:
            turn_id = request.turn_id
            error = {"id": turn_id, "status": FAILED, "items": [], "error": failed.error}
            return Outcome(thread_id, turn=error)
        except TimeoutError:
            waited = f"the turn was not completed within {round(request.timeout * 1000)} ms"
            reason = BROKER_TIMEOUT, waited
        except RpcError as error:
            reason = RPC_ERROR, f"codex rpc error {error.code}: {error.message}"
        except CodexUnavailable as unavailable:
            reason = SUBPROCESS_CRASH, str(unavailable)
        except ConnectionLost:
            reason = DISCONNECT, "codex has ended, or closed the connection"
        return Outcome(thread_id, transport=reason)

    async def converse(self, visit: Visit, host: Host) -> None:
        """See Codex."""
        try:
            model = await first_model(host.ask)
        except ModelFailed as failed:
            raise BadGateway(str(failed)) from None
        try:
            async with (
                self._running(visit.workspace_id, host, model) as server,
                server.connect() as codex,
            ):
                await Relay(visit, codex, self._clock).run()
        except (CodexUnavailable, OSError) as error:
            raise BadGateway(str(error)) from None

    # --- the processes ----------------------------------------------------------------------------

    @asynccontextmanager
    async def _running(self, workspace_id: str, host: Host, model: str) -> AsyncIterator[AppServer]:
        """Have the workspace's process run. Raises CodexUnavailable."""
        place = self._places.setdefault(workspace_id, _Place(self._clock()))
        place.users += 1
        try:
            async with place.lock:
                if place.server is not None and not place.server.is_alive:
                    await place.server.end()
                    place.server = None
                if place.server is None:
                    place.server = await self._start(workspace_id, host, model)
            if not self._is_watched:
                self._is_watched = True
                self._background("codex", self._watch)
            yield place.server
        finally:
            place.users -= 1
            place.used_at = self._clock()

    async def _start(self, workspace_id: str, host: Host, model: str) -> AppServer:
        if not self._has_looked:
            self._has_looked = True
            await anyio.to_thread.run_sync(kill_children_of_dead_servers, SERVER)
        proxy = self._settings.llm_proxy_url or self._url()
        return await AppServer.start(
            Start(
                command=self._command,
                folder=self._folder_of(workspace_id),
                environ=os.environ,
                server=self._server,
                models=f"{proxy}/v1",
                model=model,
                token=await host.token(),
            )
        )

    def _folder_of(self, workspace_id: str, *names: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="agentserver-codex-"))
        return self._folder.joinpath(workspace_id, *names)

    async def _watch(self) -> None:
        try:
            while self._places:
                await self._wait(INTERVAL)
                with suppress(DatabaseUnavailable):  # the store has logged it
                    await self._look()
        finally:
            self._is_watched = False

    async def _look(self) -> None:
        """End the processes that are idle, and all that there is of deleted workspaces."""
        for workspace_id, place in list(self._places.items()):
            if not place.users and self._clock() - place.used_at >= IDLE:
                await self._end(workspace_id, place)
        for workspace_id in await anyio.to_thread.run_sync(self._found):
            if await self._store.read(workspaces.find, workspace_id) is None:
                if workspace_id in self._places:
                    await self._end(workspace_id, self._places[workspace_id])
                await anyio.to_thread.run_sync(_remove, self._folder_of(workspace_id))

    async def _end(self, workspace_id: str, place: _Place) -> None:
        """End the process of a workspace. Who comes meanwhile has another one started."""
        async with place.lock:
            server, place.server = place.server, None
            if server is not None:
                await server.end()
        if not place.users:
            self._places.pop(workspace_id, None)

    def _found(self) -> list[str]:
        """Return the workspaces that have a folder."""
        is_there = self._folder is not None and self._folder.is_dir()
        return [each.name for each in self._folder.iterdir()] if self._folder and is_there else []

    async def close(self) -> None:
        """See Codex."""
        servers = [place.server for place in self._places.values() if place.server is not None]
        if servers:
            await anyio.to_thread.run_sync(Family(None, mark(SERVER, self._server)).kill)
        for server in servers:
            await server.end()
        if self._is_temporary and self._folder is not None:
            await anyio.to_thread.run_sync(_remove, self._folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
