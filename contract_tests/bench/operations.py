"""Pages of a long operations log, beside those of a short one."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import httpx
from children import free_port, reference_server, serving
from installations import KEY
from measuring import Effort, Row, beside, in_turns
from under_load import own_server, registered

SHORT = 1000
LIMIT = 100
AT_MOST = 1.25
"""How many times as long a page of the long log may take."""

_COLUMNS = {
    "id": "",
    "workspace_id": "",
    "source": "sdk",
    "env_id": "local",
    "tool": "turn",
    "arguments": '{"input": [{"type": "text", "text": "What does the parser do?"}]}',
    "is_error": False,
    "result_summary": "It reads the input once, from left to right.",
    "started_at": "",
    "completed_at": "",
    "duration_ms": 3750,
}
"""The columns of an operation that are not null, each with what they hold."""

_SCRAMBLE = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""An odd number: the multiples of it, modulo 2**128, are all different and in no order."""


def rows(effort: Effort) -> Iterator[Row]:
    """The first page and the last, on each database."""
    with own_server("") as database:
        for name, url in (("SQLite", None), ("PostgreSQL", database)):
            with ExitStack() as stack:
                logs = {
                    count: stack.enter_context(_Log(count, url)) for count in (SHORT, effort.rows)
                }
                for what, before in (("first", None), ("last", _id(LIMIT))):
                    read = {
                        str(count): partial(log.read, before, effort.calls // 10)
                        for count, log in logs.items()
                    }
                    short, long = in_turns(effort.rounds, read).values()
                    yield beside(
                        *("operations", f"{name}: {what} {LIMIT} of {effort.rows:,}", "ms", long),
                        *(f"{what} {LIMIT} of {SHORT:,}", short),
                        at_most=AT_MOST,
                    )


class _Log:
    """A server on a database of its own, with so many operations in one workspace."""

    def __init__(self, count: int, database: str | None) -> None:
        self._count = count
        self._database = database
        self._stack = ExitStack()

    def __enter__(self) -> _Log:
        name = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="agentserver-bench-"))
        port = free_port()
        command = reference_server(Path(name), port)
        if self._database is not None:
            self._database = asyncio.run(_new_database(self._database, f"log_{self._count}"))
            command += ["--database-url", self._database]
        start = partial(serving, command, port, environment=KEY)
        self._client = self._stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}"))
        with start():
            session = registered(self._client, "owner@example.com")
            self._client.headers["cookie"] = f"agentserver-token={session}"
            (workspace,) = self._client.get("/api/workspaces").raise_for_status().json()
        # While so much is added to SQLite, nothing else can be.
        if self._database is None:
            _fill_sqlite(Path(name) / "agentserver.db", workspace["id"], self._count)
        else:
            asyncio.run(_fill_postgresql(self._database, workspace["id"], self._count))
        self._path = f"/api/workspaces/{workspace['id']}/operations"
        self._stack.enter_context(start())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def read(self, before: str | None, calls: int) -> float:
        """Return the median of the milliseconds that reading a page takes."""
        query = {"limit": str(LIMIT)} | ({} if before is None else {"before": before})
        taken = []
        for _ in range(calls):
            began = time.perf_counter()
            page = self._client.get(self._path, params=query).raise_for_status().json()
            taken.append((time.perf_counter() - began) * 1000)
            if len(page["operations"]) != LIMIT:
                raise RuntimeError(f"{len(page['operations'])} operations in a page")
        return median(taken)


def _id(number: int) -> str:
    return str(UUID(int=number * _SCRAMBLE % 2**128))


def _operations(workspace_id: str, count: int) -> Iterator[tuple[object, ...]]:
    """The rows, of which each began a second after the one before."""
    first = datetime.now(UTC).replace(microsecond=0, tzinfo=None) - timedelta(seconds=count)
    for number in range(count):
        began = f"{(first + timedelta(seconds=number)).isoformat()}.000000Z"
        own = {"id": _id(number), "workspace_id": workspace_id}
        yield tuple((_COLUMNS | own | {"started_at": began, "completed_at": began}).values())


def _fill_sqlite(path: Path, workspace_id: str, count: int) -> None:
    places = ", ".join("?" * len(_COLUMNS))
    statement = f"INSERT INTO operations ({', '.join(_COLUMNS)}) VALUES ({places})"  # noqa: S608
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA cache_size = -500000")  # KB: all of it
        connection.executemany(statement, _operations(workspace_id, count))


async def _fill_postgresql(url: str, workspace_id: str, count: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.copy_records_to_table(
        "operations", records=_operations(workspace_id, count), columns=list(_COLUMNS)
    )
    await connection.execute("ANALYZE operations")  # as PostgreSQL does by itself a minute later
    await connection.close()


async def _new_database(url: str, name: str) -> str:
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
