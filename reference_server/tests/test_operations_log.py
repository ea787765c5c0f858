"""The operations log: what it lists, in which order, how it is paged and cut, and for how long."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import attrs
import pytest
from people import ReferenceServer, User, error_of, start_server
from serving import in_memory

from agentserver_reference.domain import operations as domain
from agentserver_reference.domain.times import precise_timestamp
from agentserver_reference.services import operations_log
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings
from agentserver_reference.storage import operations
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.sqlite import SqliteStore

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


@attrs.frozen
class Log:
    """The log of a workspace, with what a test puts into it."""

    server: ReferenceServer
    owner: User
    workspace_id: str

    async def add(self, number: int, *, seconds: float = 0, **changes: Any) -> str:
        operation_id = str(UUID(int=number))
        moment = precise_timestamp(START + timedelta(seconds=seconds))
        row = {
            "id": operation_id,
            "workspace_id": self.workspace_id,
            "source": "sdk",
            "env_id": "local",
            "tool": "turn",
            "is_error": False,
            "duration_ms": 0,
            "started_at": moment,
            "completed_at": moment,
            **changes,
        }
        await self.server.store.write(operations.add, row)
        return operation_id

    async def read(self, **query: Any) -> list[dict[str, Any]]:
        path = f"/api/workspaces/{self.workspace_id}/operations?{urlencode(query)}"
        rows: list[dict[str, Any]] = (await self.owner.read(path))["operations"]
        return rows

    async def ids(self, **query: Any) -> list[str]:
        return [row["id"] for row in await self.read(**query)]

    async def error(self, query: str) -> tuple[int, str]:
        path = f"/api/workspaces/{self.workspace_id}/operations?{query}"
        return error_of(await self.owner.get(path))


@pytest.fixture
async def log(server: ReferenceServer) -> Log:
    owner = await server.create_user("owner@example.com")
    return Log(server, owner, await owner.create_workspace())


async def test_the_last_begun_is_first_and_of_one_moment_the_higher_id(log: Log) -> None:
    early = await log.add(9, seconds=-0.000001)
    low, high = await log.add(1), await log.add(2)
    late = await log.add(0, seconds=0.000001)
    assert await log.ids() == [late, high, low, early]


async def test_pages_have_each_row_once_also_of_one_moment(log: Log) -> None:
    added = [await log.add(number, seconds=number // 4) for number in range(11)]
    found: list[str] = []
    while page := await log.ids(limit=3, **({"before": found[-1]} if found else {})):
        found += page
    assert found == added[::-1]


async def test_a_page_late_in_the_log_takes_no_more_steps_than_the_first() -> None:
    async with start_server(in_memory()) as server:
        owner = await server.create_user("owner@example.com")
        log = Log(server, owner, await owner.create_workspace())
        added = [await log.add(number, seconds=number) for number in range(1000)]
        assert isinstance(server.store, SqliteStore)
        raw, steps = server.store._connection.raw, Counter[str]()

        async def page(name: str, **query: Any) -> None:
            raw.set_progress_handler(partial(steps.update, [name]), 1)
            assert len(await log.ids(limit=10, **query)) == 10
            raw.set_progress_handler(None, 0)

        await page("first")
        await page("last", before=added[10])
        assert steps["last"] < 2 * steps["first"]


async def test_nothing_follows_an_operation_that_the_workspace_lacks(log: Log) -> None:
    await log.add(1)
    other = attrs.evolve(log, workspace_id=await log.owner.create_workspace())
    foreign = await other.add(2, seconds=1)
    assert await log.ids(before=foreign) == []
    assert await log.ids(before="no-such-operation") == []


async def test_a_query_with_nul_matches_nothing_on_any_database(log: Log) -> None:
    await log.add(1)
    for name in ("before", "env_id", "tool", "source"):
        assert await log.ids(**{name: "a\0b"}) == []


async def test_the_log_has_no_rows_of_other_workspaces(log: Log) -> None:
    other = attrs.evolve(log, workspace_id=await log.owner.create_workspace())
    mine, theirs = await log.add(1), await other.add(2)
    assert (await log.ids(), await other.ids()) == ([mine], [theirs])


async def test_filters_are_exact_and_all_must_match(log: Log) -> None:
    plain = await log.add(1)
    failed = await log.add(2, is_error=True, seconds=1)
    shell = await log.add(3, tool="shell", seconds=2)
    remote = await log.add(4, env_id="exe_1", source="tui", seconds=3)
    assert await log.ids(is_error="true") == [failed]
    assert await log.ids(is_error="false") == [remote, shell, plain]
    assert await log.ids(tool="shell") == [shell]
    assert await log.ids(tool="Shell") == []
    assert await log.ids(env_id="exe_1") == await log.ids(source="tui") == [remote]
    assert await log.ids(source="sdk", tool="turn", is_error="false") == [plain]
    assert await log.ids(source="sdk", env_id="exe_1") == []


async def test_since_takes_in_its_own_microsecond_in_any_offset(log: Log) -> None:
    await log.add(1, seconds=0.000001)
    exact = await log.add(2, seconds=0.000002)
    assert await log.ids(since="2026-11-23T10:00:00.000002Z") == [exact]
    assert await log.ids(since="2026-11-23T11:00:00.000002+01:00") == [exact]
    assert len(await log.ids(since="2026-11-23T10:00:00Z")) == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
        ("is_error=1", "is_error"),
        ("is_error=yes", "is_error"),
        ("since=2026-11-23", "since"),
        ("since=2026-11-23T10:00:00", "since"),
        ("since=1795428000", "since"),
        (f"since={quote('2026-11-23T10:00:00 01:00')}", "since"),
        ("tool=", "tool"),
    ],
)
async def test_a_query_that_does_not_parse_is_refused_by_name(
    log: Log, query: str, field: str
) -> None:
    status, line = await log.error(query)
    assert (status, line.partition(":")[0]) == (400, field)


async def test_only_members_read_the_log(log: Log) -> None:
    outsider = await log.server.create_user("other@example.com")
    answer = await outsider.get(f"/api/workspaces/{log.workspace_id}/operations")
    assert error_of(answer) == (403, "not a workspace member")


async def test_a_hundred_rows_are_a_page_and_a_thousand_the_most(log: Log) -> None:
    for number in range(101):
        await log.add(number)
    assert len(await log.ids()) == 100
    assert len(await log.ids(limit=1000)) == 101


# --- how long it is -------------------------------------------------------------------------------


def test_arguments_of_64_kib_are_kept_and_longer_ones_told_of() -> None:
    most = {"a": "x" * (64 * 1024 - len('{"a":""}'))}
    assert domain.arguments(most) == {"arguments": most}
    encoded = b'{"a":"' + b"x" * (64 * 1024) + b'"}'
    digest = sha256(encoded).hexdigest()
    meta = {"truncated": True, "size_bytes": len(encoded), "sha256": digest}
    assert domain.arguments({"a": "x" * (64 * 1024)}) == {"arguments_meta": meta}


@pytest.mark.parametrize("letter", ["x", "ü", "€", "𝄞"])
def test_a_result_is_cut_at_4_kib_between_two_characters(letter: str) -> None:
    size = len(letter.encode())
    assert domain.result(letter * (4096 // size)) == {"result_summary": letter * (4096 // size)}
    long = "y" + letter * 4096
    cut = domain.result(long)
    assert cut["result_summary"] == "y" + letter * ((4096 - 1) // size)
    digest = sha256(long.encode()).hexdigest()
    meta = {"truncated": True, "total_bytes": len(long.encode()), "sha256": digest}
    assert cut["result_meta"] == meta


# --- how long it is kept --------------------------------------------------------------------------


@pytest.mark.parametrize("days", [90, 1])
async def test_an_operation_is_kept_for_so_many_days_and_no_longer(
    settings: Settings, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations_log, "BATCH", 2)
    async with start_server(settings, operations_retention_days=days) as server:
        owner = await server.create_user("owner@example.com")
        log = Log(server, owner, await owner.create_workspace())
        for number in range(5):
            await log.add(number, seconds=-0.000001)
        kept = await log.add(5)
        server.clock.now = START + timedelta(days=days)
        assert await operations_log.remove_old(UnitOfWork(server.context)) == 5
        assert await server.store.read(everything) == [kept]


async def test_with_0_days_the_log_is_kept_for_ever(settings: Settings) -> None:
    async with start_server(settings, operations_retention_days=0) as server:
        owner = await server.create_user("owner@example.com")
        log = Log(server, owner, await owner.create_workspace())
        kept = await log.add(1)
        server.clock.advance(days=36_500)
        assert await operations_log.remove_old(UnitOfWork(server.context)) == 0
        assert await server.store.read(everything) == [kept]


def everything(conn: Connection) -> list[str]:
    from sqlalchemy import select

    from agentserver_reference.storage import tables

    return [str(row[0]) for row in conn.execute(select(tables.operations.c.id), {}).all()]
