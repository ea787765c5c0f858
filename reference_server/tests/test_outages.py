"""A database that is locked, gone, frozen or restarting: 503 in time, and one line of log."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from databases import CHEAPEST, KEY
from serving import PASSWORD, serving

from agentserver_reference.domain.errors import DatabaseUnavailable
from agentserver_reference.settings import Settings
from agentserver_reference.storage import Store, open_store, users
from agentserver_reference.storage.engine.connection import Connection

pytestmark = pytest.mark.anyio

TIMEOUT = 0.2
PATIENCE = 10
ACCOUNT = {"email": "alice@example.com", "password": PASSWORD}


def impatient(database_url: str, **settings: Any) -> Settings:
    return Settings.from_environment(
        {},
        database_url=database_url,
        encryption_key=KEY,
        password_cost=CHEAPEST,
        **{"database_timeout": TIMEOUT, **settings},
    )


class Relay:
    """Between a server and its PostgreSQL: forwards, keeps silent, or refuses."""

    def __init__(self, database_url: str) -> None:
        self._database = urlsplit(database_url)
        self._forwarding = asyncio.Event()
        self._forwarding.set()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        user = self._database.netloc.rpartition("@")[0]
        return f"postgresql://{user}@127.0.0.1:{self.port}{self._database.path}"

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        assert self._server
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def freeze(self) -> None:
        self._forwarding.clear()

    def thaw(self) -> None:
        self._forwarding.set()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = self._database.hostname or parse_qs(self._database.query)["host"][0]
        if host.startswith("/"):
            upstream = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432")
        else:
            upstream = await asyncio.open_connection(host, self._database.port or 5432)
        self._writers += [writer, upstream[1]]
        with suppress(OSError):
            await asyncio.gather(self._copy(reader, upstream[1]), self._copy(upstream[0], writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._forwarding.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def relay_to(database_url: str) -> AsyncIterator[Relay]:
    relay = Relay(database_url)
    await relay.listen()
    try:
        yield relay
    finally:
        relay.thaw()
        await relay.refuse()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process that writes to the file, and does not finish."""
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


def outage_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if "database" in one.getMessage()]


async def assert_unavailable(client: httpx.AsyncClient, *, writing: bool) -> None:
    """A request is 503 soon, and /healthz does not wait for the database meanwhile."""
    request = (
        client.post("/api/auth/register", json=ACCOUNT)
        if writing
        else client.get("/api/auth/me", headers={"Cookie": "agentserver-token=unknown"})
    )
    waiting = asyncio.create_task(request)
    await asyncio.sleep(0)
    assert (await client.get("/healthz")).status_code == 200
    assert not waiting.done()
    answer = await waiting
    assert (answer.status_code, answer.text) == (503, "database unavailable\n")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_locked_sqlite_file_is_503_and_blocks_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "test.db"
    async with serving(impatient(f"sqlite:///{path}")) as client:
        caplog.set_level(logging.WARNING)
        with locked(path):
            for _ in range(2):
                await assert_unavailable(client, writing=True)
                # Reads need no lock; that they succeed is not the end of the outage.
                unknown = {"Cookie": "agentserver-token=unknown"}
                assert (await client.get("/api/auth/me", headers=unknown)).status_code == 401
        for _ in range(2):
            await client.post("/api/auth/register", json=ACCOUNT)
        assert outage_lines(caplog) == ["database unavailable", "database available again"]
        assert not any(record.exc_info for record in caplog.records)


async def test_a_write_waits_for_a_lock_that_is_released_in_time(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    async with serving(impatient(f"sqlite:///{path}", database_timeout=PATIENCE)) as client:
        with locked(path):
            waiting = asyncio.create_task(client.post("/api/auth/register", json=ACCOUNT))
            assert (await client.get("/healthz")).status_code == 200
            assert not waiting.done()
        assert (await waiting).status_code == 201


async def test_more_requests_than_may_wait_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    store = open_store(impatient(f"sqlite:///{path}", database_timeout=PATIENCE, database_queue=2))
    await store.open()
    with locked(path):
        waiting = [asyncio.create_task(store.write(users.list_all)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(DatabaseUnavailable, match="too many requests wait"):
            await store.write(users.list_all)
    assert await asyncio.gather(*waiting) == [[], []]
    await store.close()


def disk_full(_: Connection) -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


async def test_a_full_disk_is_unavailable_and_a_wrong_statement_is_not(tmp_path: Path) -> None:
    def wrong(conn: Connection) -> None:
        raise sqlite3.OperationalError("no such table")

    store = open_store(impatient(f"sqlite:///{tmp_path / 'test.db'}"))
    await store.open()
    with pytest.raises(DatabaseUnavailable):
        await store.write(disk_full)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await store.write(wrong)
    await store.close()


@pytest.mark.parametrize("writing", [False, True])
async def test_a_frozen_postgresql_is_503_soon_and_does_not_delay_the_end(
    postgres_url: str, caplog: pytest.LogCaptureFixture, writing: bool
) -> None:
    async with relay_to(postgres_url) as relay:
        async with serving(impatient(relay.url, database_timeout=PATIENCE)) as client:
            shorten(client, TIMEOUT)
            caplog.set_level(logging.WARNING)
            relay.freeze()
            for _ in range(3):
                await assert_unavailable(client, writing=writing)
            relay.thaw()
            await until_answered(client)
            assert outage_lines(caplog) == ["database unavailable", "database available again"]
            relay.freeze()
            ended = perf_counter()
        assert perf_counter() - ended < PATIENCE
    assert not any(record.exc_info for record in caplog.records)


async def test_a_postgresql_that_restarts_is_503_until_it_is_back(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        relay_to(postgres_url) as relay,
        serving(impatient(relay.url, database_timeout=PATIENCE)) as client,
    ):
        caplog.set_level(logging.WARNING)
        await relay.refuse()
        for _ in range(3):
            answer = await client.post("/api/auth/register", json=ACCOUNT)
            assert (answer.status_code, answer.text) == (503, "database unavailable\n")
        await relay.listen()
        assert (await client.post("/api/auth/register", json=ACCOUNT)).status_code == 201
    assert outage_lines(caplog) == ["database unavailable", "database available again"]
    assert not any(record.exc_info for record in caplog.records)


async def test_a_commit_without_an_answer_is_not_called_repeatable(postgres_url: str) -> None:
    async with relay_to(postgres_url) as relay:
        store = open_store(impatient(relay.url, database_timeout=PATIENCE))
        await store.open()
        with pytest.raises(DatabaseUnavailable) as raised:
            await store.write(partial(freeze_before_commit, relay, store))
        assert raised.value.retry_after is None
        await store.close()


def freeze_before_commit(relay: Relay, store: Store, _: Connection) -> None:
    relay.freeze()
    asyncio.get_running_loop().call_later(TIMEOUT, lambda: asyncio.ensure_future(relay.refuse()))


def shorten(client: httpx.AsyncClient, timeout: float) -> None:
    """Let requests wait for the database for so many seconds from now on."""
    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    app: Any = transport.app
    app.state.context.store._availability.timeout = timeout


async def until_answered(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await client.post("/api/auth/login", json=ACCOUNT)).status_code == 503:
            pass
        # A write, since a read does not prove that writes succeed.
        while (await client.post("/api/auth/register", json=ACCOUNT)).status_code == 503:
            pass
