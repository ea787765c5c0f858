"""The reference server under load, beside two others that do the same on copies of its database.

Each runs as one process under uvicorn with uvloop and httptools and without an access log. Where
there are two processors, one is the server's, its PostgreSQL's too, and the other the load's.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import psutil
from children import (
    BARE,
    FASTAPI,
    HERE,
    OURS,
    Served,
    Start,
    free_port,
    keep_to,
    peer,
    reference_server,
    serving,
)
from load import Plan, seconds_for, with_session
from measuring import Effort, Row, beside, in_turns

from agentserver import Client

sys.path.append(str(HERE.parents[1] / "reference_server" / "tests"))
from postgres import own_server  # of the tests

CONNECTIONS = 32
WORKSPACES = 50

RELEASE = {"create": 330.0, "read": 1090.0, "list of 50": 840.0}
"""Requests a second that the release answered on PostgreSQL, on one core of such a machine."""

_DATABASE = "agentserver.db"
_KEY = {"AGENTSERVER_ENCRYPTION_KEY": "11" * 32}


@dataclass(frozen=True)
class Seed:
    """What is in the database before the first request of the load."""

    reader: str
    """The session of a user with 50 workspaces."""
    writers: tuple[str, ...]
    """Sessions of people who make workspaces: one a connection, so that none waits for another."""
    workspace: str
    """One of the reader's."""

    def plans(self, port: int, requests: int) -> dict[str, Plan]:
        """The load on each operation."""
        reader = (with_session(self.reader),) * CONNECTIONS
        writers = [with_session(session) for session in self.writers]
        read = partial(
            Plan, port, "GET", credentials=reader, requests=requests, status=200, cores=CORES.load
        )
        body = json.dumps({"name": "Nightly evaluation runs"})
        return {
            "create": Plan(
                port, "POST", "/api/workspaces", writers, requests, 201, body, CORES.load
            ),
            "read": read(f"/api/workspaces/{self.workspace}"),
            "list of 50": read("/api/workspaces"),
        }


@dataclass(frozen=True)
class Cores:
    """Which processors are whose; empty: all are everybody's."""

    server: tuple[int, ...] = ()
    load: tuple[int, ...] = ()


def _cores() -> Cores:
    if not hasattr(os, "sched_getaffinity"):
        return Cores()
    ours = sorted(os.sched_getaffinity(0))
    return Cores((ours[0],), (ours[1],)) if len(ours) > 1 else Cores()


CORES = _cores()
"""Those of this machine."""

_TICK = 0.01  # seconds; the system counts a process's time in such steps


@dataclass(frozen=True)
class Load:
    """What some requests took."""

    per_second: float
    server_ms: float
    """Of a processor, for each request."""
    database_ms: float


def sqlite(effort: Effort) -> Iterator[Row]:
    """Each on its own copy of one file."""
    with sqlite_servers() as (seed, servers):
        yield from _rows("sqlite", effort, seed, servers, postmaster=None, at_least=0.6)


def postgresql(effort: Effort) -> Iterator[Row]:
    """Each on its own copy of one database, in a server that is as durable as it comes."""
    with own_server("") as url:
        postmaster = _postmaster(url)
        with postgresql_servers(url) as (seed, servers):
            yield from _rows("postgresql", effort, seed, servers, postmaster, at_least=0.5)


@contextmanager
def sqlite_servers() -> Iterator[tuple[Seed, dict[str, Served]]]:
    """All three, each on a copy of the same database."""
    with tempfile.TemporaryDirectory(prefix="agentserver-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        port = free_port()
        with serving(reference_server(folder, port), port) as server:
            seed = sow(server.url)
        copies = {app: str(folder / f"{app}.db") for app in ("bare_sqlite", "fastapi_orm")}
        for copy in copies.values():
            shutil.copy(folder / _DATABASE, copy)
        yield (
            seed,
            _started(
                stack,
                {
                    OURS: (partial(reference_server, folder), {}),
                    BARE: peer("bare_sqlite", copies["bare_sqlite"]),
                    FASTAPI: peer("fastapi_orm", f"sqlite+aiosqlite:///{copies['fastapi_orm']}"),
                },
            ),
        )


@contextmanager
def postgresql_servers(url: str) -> Iterator[tuple[Seed, dict[str, Served]]]:
    """All three, each on a copy of the same database of the PostgreSQL at `url`."""

    async def execute(statement: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    def named(name: str) -> str:
        return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))

    def command(port: int) -> list[str]:
        return [*reference_server(Path(os.devnull), port), "--database-url", named("seed")]

    asyncio.run(execute("CREATE DATABASE seed"))
    port = free_port()
    with serving(command(port), port, environment=_KEY) as server:
        seed = sow(server.url)
    for copy in ("bare", "fastapi"):
        asyncio.run(execute(f"CREATE DATABASE {copy} TEMPLATE seed"))
    with ExitStack() as stack:
        yield (
            seed,
            _started(
                stack,
                {
                    OURS: (command, _KEY),
                    BARE: peer("bare_postgresql", named("bare")),
                    FASTAPI: peer(
                        "fastapi_orm",
                        named("fastapi").replace("postgresql:", "postgresql+asyncpg:", 1),
                    ),
                },
            ),
        )


def _started(stack: ExitStack, starts: Mapping[str, Start]) -> dict[str, Served]:
    started = {}
    for name, (command, environment) in starts.items():
        port = free_port()
        started[name] = stack.enter_context(
            serving(command(port), port, environment=environment, cores=CORES.server)
        )
    return started


def sow(url: str) -> Seed:
    """Fill an empty database over HTTP."""
    with httpx.Client(base_url=url) as raw:
        reader, *writers = (
            registered(raw, f"{number}@example.com") for number in range(CONNECTIONS + 1)
        )
    with Client(url, session=reader) as client:
        client.admin.quota_defaults.set(max_workspaces_per_user=0)
        # Everybody has one from the start.
        made = [client.workspaces.create(name=f"Workspace {n}") for n in range(WORKSPACES - 1)]
    return Seed(reader, tuple(writers), made[WORKSPACES // 2].id)


def registered(raw: httpx.Client, email: str) -> str:
    """Register a person, and return a session."""
    account = {"email": email, "password": "a password for the bench"}
    raw.post("/api/auth/register", json=account).raise_for_status()
    raw.post("/api/auth/login", json=account).raise_for_status()
    session = raw.cookies["agentserver-token"]
    raw.cookies.clear()
    return session


def _rows(
    part: str,
    effort: Effort,
    seed: Seed,
    servers: Mapping[str, Served],
    postmaster: int | None,
    at_least: float,
) -> Iterator[Row]:
    for operation, released in RELEASE.items():
        subjects = {
            name: partial(
                loaded, server, seed.plans(server.port, effort.requests)[operation], postmaster
            )
            for name, server in servers.items()
        }
        taken = in_turns(effort.loads, subjects)
        rates = {name: [each.per_second for each in loads] for name, loads in taken.items()}
        for other, target in ((BARE, at_least), (FASTAPI, 3.0)):
            yield beside(
                part, operation, "a second", rates[OURS], other, rates[other], at_least=target
            )
        if postmaster is not None:
            release = [released] * effort.loads
            yield beside(part, operation, "a second", rates[OURS], "the release", release)
        for other in (BARE, FASTAPI):
            used = [[each.server_ms for each in taken[name]] for name in (OURS, other)]
            yield beside(part, f"{operation}, CPU of the server", "ms", used[0], other, used[1])
        if postmaster is not None:
            for other in (BARE, FASTAPI):
                used = [[each.database_ms for each in taken[name]] for name in (OURS, other)]
                yield beside(part, f"{operation}, CPU of PostgreSQL", "ms", used[0], other, used[1])


def loaded(server: Served, plan: Plan, postmaster: int | None = None) -> Load:
    """Send the requests; without a `postmaster`, what the database takes is not known."""
    before = _used(server.process.pid), _used_by_all(postmaster)
    seconds = seconds_for(plan)
    after = _used(server.process.pid), _used_by_all(postmaster)
    server_ms, database_ms = (
        max(_TICK, late - early) / plan.requests * 1000
        for early, late in zip(before, after, strict=True)
    )
    return Load(plan.requests / seconds, server_ms, database_ms)


def _used(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _used_by_all(postmaster: int | None) -> float:
    """What a process and those that it started have used; a connection's own may have ended."""
    if postmaster is None:
        return 0.0
    process = psutil.Process(postmaster)
    times = process.cpu_times()
    used = times.user + times.system + times.children_user + times.children_system
    for child in process.children():
        with suppress(psutil.NoSuchProcess):
            used += _used(child.pid)
    return used


def _postmaster(url: str) -> int:
    """The process of a PostgreSQL of our own, kept to the server's processor with all its own."""
    folder = urlsplit(url).query.partition("host=")[2]
    pid = int((Path(folder) / "data" / "postmaster.pid").read_text().split()[0])
    for process in (psutil.Process(pid), *psutil.Process(pid).children()):
        keep_to(CORES.server, process.pid)
    return pid
