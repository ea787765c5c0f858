"""Agents on the reference server: how much they get done, and what they cost while they wait."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from agent_processes import NAME
from children import HERE, Served, free_port, reference_server, serving
from measuring import Effort, Row, alone
from under_load import own_server

from agentserver import Client, Secret
from agentserver.agent._credentials import Identity, Place
from agentserver.models import AgentRegisterResponse

SLOTS = 8
PROCESSES = 4
_SETTINGS = {"AGENTSERVER_ENCRYPTION_KEY": "11" * 32, "AGENTSERVER_MAX_CONNECTIONS": "2000"}
_MEGABYTE = 1e6


def rows(effort: Effort) -> Iterator[Row]:
    """Tasks a second and the time between two tasks, on each database; then agents that wait."""
    with own_server("") as database:
        for what, url, processes in (
            ("SQLite", None, 1),
            ("PostgreSQL", database, 1),
            (f"PostgreSQL, {PROCESSES} processes and an agent on each", database, PROCESSES),
        ):
            with _servers(url, processes) as servers, _Owner(servers[0].url) as owner:
                yield from _work(effort, what, servers, owner)
    with _servers(None, 1) as (server,), _Owner(server.url) as owner:
        yield from _waiting(effort, server, owner)


def _work(effort: Effort, what: str, servers: Sequence[Served], owner: _Owner) -> Iterator[Row]:
    agents = [owner.register() for _ in servers]
    rounds = max(2, effort.loads // 2)
    many = [_seconds(owner, servers, agents, effort.requests, SLOTS) for _ in range(rounds)]
    yield alone(
        "agents",
        f"{what}: tasks with {SLOTS} slots",
        "1/s",
        [effort.requests / seconds for seconds in many],
    )
    if len(servers) == 1:
        count = effort.requests // 10
        one = [_seconds(owner, servers, agents, count, 1) for _ in range(rounds)]
        yield alone(
            "agents",
            f"{what}: from the start of a task to the start of the next, one slot",
            "ms",
            [1000 * seconds / (count - 1) for seconds in one],
        )


def _seconds(
    owner: _Owner,
    servers: Sequence[Served],
    agents: Sequence[AgentRegisterResponse],
    count: int,
    slots: int,
) -> float:
    """How long the slowest of the agents took for its part of the tasks."""
    each = count // len(agents)
    for agent in agents:
        owner.make_tasks(agent, each)
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                _child("work", server.url, str(each), str(slots), owner.folder(server, agent))
            )
            for server, agent in zip(servers, agents, strict=True)
        ]
        return max(float(_line(process)) for process in started)


def _waiting(effort: Effort, server: Served, owner: _Owner) -> Iterator[Row]:
    count = effort.clients
    folders = [owner.folder(server, owner.register()) for _ in range(count)]
    with _child("wait", server.url, folders[0]) as process:
        _line(process)
        held = psutil.Process(process.pid).memory_info().rss / _MEGABYTE
        yield alone("agents", "memory of an idle agent's process", "MB", [held])
    with _child("wait", server.url, *folders) as process:
        _line(process)
        server_part, agents_part = _processor_time(server.process.pid, process.pid, effort.seconds)
        held = psutil.Process(process.pid).memory_info().rss / _MEGABYTE
    yield alone("agents", f"{count:,} idle agents in one process: their memory", "MB", [held])
    yield alone("agents", f"{count:,} idle agents: the server's processor", "%", [server_part])
    yield alone("agents", f"{count:,} idle agents: their own processor", "%", [agents_part])


def _processor_time(server: int, agents: int, seconds: float) -> tuple[float, float]:
    """How much of a processor each takes, in percent."""
    processes = [psutil.Process(pid) for pid in (server, agents)]
    before = [sum(process.cpu_times()[:2]) for process in processes]
    started = time.perf_counter()
    time.sleep(seconds)  # what is measured is what they do meanwhile
    passed = time.perf_counter() - started
    after = [sum(process.cpu_times()[:2]) for process in processes]
    first, second = (100 * (b - a) / passed for a, b in zip(before, after, strict=True))
    return first, second


# --- servers, their tasks and their agents --------------------------------------------------------


@contextmanager
def _servers(database: str | None, count: int) -> Iterator[list[Served]]:
    with tempfile.TemporaryDirectory(prefix="agentserver-bench-") as name, ExitStack() as stack:
        started = []
        for _ in range(count):
            port = free_port()
            command = reference_server(Path(name), port)
            command += [] if database is None else ["--database-url", database]
            started.append(stack.enter_context(serving(command, port, environment=_SETTINGS)))
        yield started


class _Owner:
    """Who owns the workspace, and has approved a program that registers agents."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = ExitStack()

    def __enter__(self) -> _Owner:
        sys.path.append(str(HERE.parents[1] / "sdk" / "tests"))
        from server_process import Approver  # of the tests

        self._person = Approver(self._url, f"{time.time_ns()}@example.com")
        self._client = self._stack.enter_context(self._person.client)
        token = self._person.access_token()
        self._registrar = self._stack.enter_context(Client(self._url, token=token))
        name = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="agentserver-bench-"))
        self._folder = Path(name)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def register(self) -> AgentRegisterResponse:
        return self._registrar.agents.register(name=NAME, type="custom")

    def make_tasks(self, agent: AgentRegisterResponse, count: int) -> None:
        for number in range(count):
            self._client.tasks.create(
                agent.workspace_id, target_id=agent.sandbox_id, prompt=f"Task {number}"
            )

    def folder(self, server: Served, agent: AgentRegisterResponse) -> str:
        """A folder with the credentials of an agent."""
        place = Place(self._folder / agent.sandbox_id)
        tokens = Secret(agent.proxy_token), Secret(agent.tunnel_token)
        place.save(Identity(server.url, agent.workspace_id, agent.sandbox_id, NAME, *tokens))
        return str(place.folder)


# --- agents, in processes of their own ------------------------------------------------------------


@contextmanager
def _child(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(HERE / "agent_processes.py"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None  # noqa: S101  # for the type checker
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a process with agents ended with {process.wait()}")
    return line
