"""Sandboxes that are processes of this machine: for each, the command that is set for its type.

A sandbox has a directory of its own, and a session of processes of its own, which is stopped,
continued and killed as a whole. Its row in `sandbox_processes` names the machine that has its
directory, its first process, and the server that has started it. Only that server signals it.
Another one leaves its wish in the row of the sandbox, where this one finds it when it looks.

A start survives being cut off anywhere: the server claims the sandbox, starts a shell that waits,
writes down which process that is, and only then lets the shell become the command, which keeps the
shell's process id and start time. If the server dies before, the shell reads the end of its input
and ends. If it dies later, the next server on this machine finds a row whose server has ended, ends
what the row names, and the sandbox is `offline`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import anyio
import attrs

from agentserver_reference import logs
from agentserver_reference.domain.sandboxes import (
    OFFLINE,
    PAUSING,
    Event,
)
from agentserver_reference.sandbox_backends import environment
from agentserver_reference.sandbox_backends.cpu_limits import CpuLimits
from agentserver_reference.sandbox_backends.kubeconfig import write_kubeconfig
from agentserver_reference.sandbox_backends.linux import (
    Family,
    ProcessId,
    ends_within,
    kill_children_of_dead_servers,
    mark,
)
from agentserver_reference.sandbox_backends.protocol import Sandbox, SandboxBackend
from agentserver_reference.settings import Settings
from agentserver_reference.storage import sandbox_processes, sqlite_path

if TYPE_CHECKING:
    from agentserver_reference.storage import Store

SETTLING = 0.2
"""Seconds that a command must have run to count as started."""

_GATE = 'read -r _ || exit 1; exec "$@" </dev/null'
"""Waits for a line, and becomes the command that follows."""

_logger = logging.getLogger(logs.LOGGER)


@attrs.frozen
class _Row:
    """A row of `sandbox_processes`."""

    sandbox_id: str
    host: str
    process: ProcessId | None
    server: ProcessId | None
    status: str | None
    """The state of the sandbox; None if it is deleted."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> _Row:
        return cls(
            sandbox_id=row["sandbox_id"],
            host=row["host"],
            process=_process(row["process_id"], row["process_started"]),
            server=_process(row["server_id"], row["server_started"]),
            status=row["status"],
        )

    @property
    def family(self) -> Family:
        """All processes of the sandbox, but not those that another server has started since."""
        marks = mark(environment.ID, self.sandbox_id)
        if self.server is not None:
            marks |= mark(environment.SERVER, str(self.server))
        return Family(self.process, marks)


def _process(number: int | None, started: str | None) -> ProcessId | None:
    return None if number is None or started is None else ProcessId(number, started)


class ProcessBackend:
    """Runs the sandboxes of the types that have a command, and leaves the others to `simulated`.

    Arguments:
        settings: the settings, with the commands.
        store: the database.
        url: returns where the server is reached from this machine.
        simulated: the backend of the other types.
    """

    interval = 1.0

    def __init__(
        self,
        settings: Settings,
        store: Store,
        url: Callable[[], str],
        simulated: SandboxBackend,
    ) -> None:
        self._commands = settings.sandbox_commands
        self._settings = settings
        self._store = store
        self._url = url
        self._simulated = simulated
        self._server = ProcessId.of_this_process()
        self._host = settings.sandbox_host
        self._cpu = CpuLimits.find()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._threads = anyio.CapacityLimiter(8)
        self._has_looked = False
        is_kept = settings.is_postgresql or sqlite_path(settings.resolved_database_url) is not None
        self._folder = settings.data_dir / "sandboxes" if is_kept else None
        """The folder of all sandboxes; for a database in memory, one that is made when needed and
        removed in the end."""
        self._is_temporary = not is_kept

    def describe(self) -> Mapping[str, str]:
        """See SandboxBackend."""
        cpu = "CPU limited by a control group" if self._cpu else "CPU unlimited"
        own = dict.fromkeys(self._commands, f"process, memory limited, {cpu}")
        return {**self._simulated.describe(), **own}

    async def carry_on(self, sandbox: Sandbox) -> Event | None:
        """See SandboxBackend."""
        if sandbox.type not in self._commands:
            return await self._simulated.carry_on(sandbox)
        lock = self._lock(sandbox.id)
        if lock.locked():
            return None  # another task of this process is at it
        async with lock:
            row = await self._find(sandbox.id)
            if row is not None and row.status != sandbox.status:
                return None
            if sandbox.status == PAUSING:
                return await self._pause(row)
            if row is None or row.server is None:
                return await self._start(sandbox)
            return await self._go_on(sandbox, row)

    async def remove(self, sandbox: Sandbox) -> None:
        """See SandboxBackend."""
        if sandbox.type not in self._commands:
            await self._simulated.remove(sandbox)
            return
        async with self._lock(sandbox.id):
            row = await self._find(sandbox.id)
            if row is not None:
                await self._clean_up(row)

    async def look(self) -> Collection[str]:
        """See SandboxBackend."""
        if not self._has_looked:
            await self._in_thread(kill_children_of_dead_servers, environment.SERVER)
            if self._cpu:
                await self._in_thread(self._cpu.remove_empty)
            self._has_looked = True
        ended = set()
        rows = await self._store.read(sandbox_processes.list_of_host, self._host)
        for row in map(_Row.of, rows):
            if self._is_amiss(row) and await self._put_right(row.sandbox_id):
                ended.add(row.sandbox_id)
        lost = await self._store.read(sandbox_processes.list_lost, self._commands)
        return {*ended, *lost}

    async def close(self) -> Collection[str]:
        """See SandboxBackend."""
        own = Family(None, mark(environment.SERVER, str(self._server)))
        await self._in_thread(own.kill)  # whatever becomes of the database
        if self._is_temporary and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        rows = await self._store.read(sandbox_processes.list_of_host, self._host)
        ended = [row for row in map(_Row.of, rows) if row.server == self._server]
        for row in ended:
            await self._end(row)
        return {row.sandbox_id for row in ended}

    # --- what there is to do ----------------------------------------------------------------------

    def _is_amiss(self, row: _Row) -> bool:
        """Return whether there is something that this server has to end or to remove."""
        if row.server is None:
            return row.status is None
        if not self._is_ours(row):
            return False
        return row.status in (None, OFFLINE) or not self._runs(row)

    async def _put_right(self, sandbox_id: str) -> bool:
        """End what is amiss, and return whether the sandbox has lost its process."""
        lock = self._lock(sandbox_id)
        if lock.locked():
            return False  # another task of this process is at it
        async with lock:
            row = await self._find(sandbox_id)
            if row is None or not self._is_amiss(row):
                return False
            if row.status is None:
                await self._clean_up(row)
                return False
            return await self._end(row)

    def _runs(self, row: _Row) -> bool:
        """Return whether a process of this server is there, running or stopped."""
        return row.server == self._server and row.process is not None and row.process.is_alive()

    async def _pause(self, row: _Row | None) -> Event | None:
        if row is None or row.server is None:
            return Event.LOST
        if row.server != self._server:
            return None
        if not self._runs(row):
            await self._end(row)
            return Event.LOST
        try:
            return Event.DONE if await self._in_thread(row.family.stop) else None
        except PermissionError:
            await self._in_thread(row.family.go_on)
            logs.event(_logger, logging.ERROR, "sandbox not stopped", sandbox=row.sandbox_id)
            return Event.FAILED

    async def _go_on(self, sandbox: Sandbox, row: _Row) -> Event | None:
        """Continue the process that there is, or end what is left of it and start anew."""
        if not self._is_ours(row):
            return None
        if self._runs(row):
            child = self._children.get(sandbox.id)
            if child is not None:
                _let_begin(child)  # if its start was cut off before
            await self._write_kubeconfig(sandbox, await sandbox.token())
            await self._in_thread(row.family.go_on)
            return Event.DONE
        await self._end(row)
        return await self._start(sandbox)

    def _is_ours(self, row: _Row) -> bool:
        """Return whether its process is ours to end: of this server, or of a dead one before it."""
        if row.server is None or row.host != self._host:
            return False
        return row.server == self._server or not row.server.is_alive()

    async def _clean_up(self, row: _Row) -> None:
        """Remove all that there is of a deleted sandbox on this machine."""
        if row.host != self._host or (row.server is not None and not self._is_ours(row)):
            return
        if await self._end(row):
            await self._in_thread(
                partial(shutil.rmtree, self._folder_of(row.sandbox_id), ignore_errors=True)
            )
            await self._store.write(sandbox_processes.remove, row.sandbox_id)

    async def _end(self, row: _Row) -> bool:
        """Kill the processes of a sandbox, and return whether they have ended."""
        try:
            has_ended = await self._in_thread(row.family.kill)
        except PermissionError:
            has_ended = False
        if not has_ended:
            logs.event(_logger, logging.ERROR, "sandbox not killed", sandbox=row.sandbox_id)
            return False
        child = self._children.pop(row.sandbox_id, None)
        if child is not None:
            child.wait()  # it is dead already
        if self._cpu:
            await self._in_thread(self._cpu.remove, row.sandbox_id)
        if row.server is not None:
            await self._store.write(
                sandbox_processes.release, row.sandbox_id, attrs.astuple(row.server)
            )
        return True

    # --- a start ----------------------------------------------------------------------------------

    async def _start(self, sandbox: Sandbox) -> Event | None:
        server = attrs.astuple(self._server)
        if not await self._store.write(
            sandbox_processes.claim, sandbox.id, sandbox.status, self._host, server
        ):
            return None
        claimed = _Row(sandbox.id, self._host, None, self._server, sandbox.status)
        try:
            token = await sandbox.token()
            port, kubeconfig = _free_port(), await self._write_kubeconfig(sandbox, token)
            child = await self._in_thread(self._spawn, sandbox, token, port, kubeconfig)
            self._children[sandbox.id] = child
            process = ProcessId.of(child.pid)
            if process is None:
                raise ChildProcessError("the process has ended")
            claimed = attrs.evolve(claimed, process=process)
            await self._in_thread(self._limit, sandbox, child.pid)
        except OSError as error:
            self._failed(sandbox, error.strerror or str(error))
            await self._end(claimed)
            return Event.FAILED
        if not await self._store.write(
            sandbox_processes.record, sandbox.id, server, attrs.astuple(process), port
        ):
            await self._end(claimed)
            return None
        _let_begin(child)
        if await ends_within(child.pid, SETTLING):
            self._failed(sandbox, f"the command ended at once, with status {child.wait()}")
            await self._end(claimed)
            return Event.FAILED
        return Event.DONE

    def _failed(self, sandbox: Sandbox, reason: str) -> None:
        logs.event(
            _logger, logging.WARNING, "sandbox not started", sandbox=sandbox.id, reason=reason
        )

    async def _write_kubeconfig(self, sandbox: Sandbox, token: str | None) -> Path | None:
        """Write down which clusters there are, and return where. Raises OSError."""
        clusters, folder = await sandbox.clusters(), self._folder_of(sandbox.id)

        def write() -> Path | None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            url = self._settings.cluster_proxy_url or self._url()
            return write_kubeconfig(folder, clusters, url, token)

        found: Path | None = await self._in_thread(write)
        return found

    def _spawn(
        self, sandbox: Sandbox, token: str | None, port: int, kubeconfig: Path | None
    ) -> subprocess.Popen[bytes]:
        """Start a shell that waits to become the command.

        Raises OSError: the command does not exist, or there is no room for it.
        """
        folder = self._folder_of(sandbox.id)
        home = folder / "home"
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        given = environment.environment_of(
            sandbox,
            self._settings,
            os.environ,
            url=self._url(),
            home=home,
            port=port,
            server=str(self._server),
            token=token,
            kubeconfig=kubeconfig,
        )
        command = _found(self._commands[sandbox.type], given.get("PATH"))
        with (folder / "output.log").open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - it is the operator's command
                ["/bin/sh", "-c", _GATE, "sandbox", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=home,
                env=given,
                start_new_session=True,
            )

    def _limit(self, sandbox: Sandbox, number: int) -> None:
        """Limit a process, and all that it starts. Raises OSError."""
        if sandbox.memory:
            # The data that it has, not the addresses that it reserves: of these, a JavaScript
            # engine takes many times as many as it uses.
            resource.prlimit(number, resource.RLIMIT_DATA, (sandbox.memory, sandbox.memory))
        if self._cpu and sandbox.cpu:
            self._cpu.add(sandbox.id, number, sandbox.cpu)

    # --- what all of it needs ---------------------------------------------------------------------

    def _folder_of(self, sandbox_id: str) -> Path:
        """Return where the files of a sandbox are."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="agentserver-sandboxes-"))
        return self._folder / sandbox_id

    def _lock(self, sandbox_id: str) -> asyncio.Lock:
        """Return the lock that keeps the tasks of this process from each other."""
        lock = self._locks.get(sandbox_id)
        if lock is None:
            lock = self._locks[sandbox_id] = asyncio.Lock()
        return lock

    async def _find(self, sandbox_id: str) -> _Row | None:
        row = await self._store.read(sandbox_processes.find, sandbox_id)
        return None if row is None else _Row.of(row)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call what may take a while."""
        with anyio.CancelScope(shield=True):
            return await anyio.to_thread.run_sync(function, *arguments, limiter=self._threads)


def _let_begin(child: subprocess.Popen[bytes]) -> None:
    """Let the shell become the command, once."""
    if child.stdin is None or child.stdin.closed:
        return
    try:
        child.stdin.write(b"\n")
        child.stdin.close()
    except BrokenPipeError:
        pass  # it has ended, as will be seen


def _found(command: Sequence[str], path: str | None) -> list[str]:
    """Return a command whose program has its path. Raises FileNotFoundError."""
    program = shutil.which(command[0], path=path)
    if program is None:
        raise FileNotFoundError(f"there is no program {command[0]}")
    return [program, *command[1:]]


def _free_port() -> int:
    """Return a port of the loopback interface on which nothing listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
