"""Background loops: one process leads each, another takes over, and no failure ends them."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from serving import serving, session_cookie
from sqlalchemy import func, select
from timeline import Timeline

from agentserver_reference.app import create_app
from agentserver_reference.domain.sessions import LIFETIME
from agentserver_reference.services import auth
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings
from agentserver_reference.storage import Store, open_store, sessions, users
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import sessions as session_table
from agentserver_reference.storage.tables import worker_leases
from agentserver_reference.workers.runner import LEASE, RENEWAL, Loop, Runner

pytestmark = pytest.mark.anyio


@pytest.fixture
def timeline() -> Timeline:
    return Timeline()


class Process:
    """A runner as each process has one, and the rounds that it has run."""

    def __init__(
        self, name: str, store: Store, timeline: Timeline, interval: float = RENEWAL
    ) -> None:
        self.name = name
        self.rounds = 0
        self._timeline = timeline
        self.runner = Runner(
            [Loop("work", interval, self.run)],
            store,
            clock=timeline,
            holder=name,
            wait=timeline.wait,
        )

    async def run(self) -> None:
        self.rounds += 1


def leases(conn: Connection) -> dict[str, str]:
    """The holder of each lease, by the name of the loop."""
    return dict(conn.execute(select(worker_leases.c.name, worker_leases.c.holder)).all())


@pytest.fixture
async def processes(store: Store, timeline: Timeline) -> AsyncIterator[list[Process]]:
    """Three of them, all running; the first one leads."""
    three = [Process(name, store, timeline) for name in ("first", "second", "third")]
    async with AsyncExitStack() as stack:
        for process in three:
            await stack.enter_async_context(process.runner)
            await timeline.settle()
        yield three


async def test_one_of_several_processes_leads_for_as_long_as_it_runs(
    processes: list[Process], timeline: Timeline, store: Store
) -> None:
    await timeline.advance(10 * LEASE)
    assert [process.rounds for process in processes] == [1 + 10 * LEASE // RENEWAL, 0, 0]
    assert await store.read(leases) == {"work": "first"}


async def test_of_processes_that_start_at_once_one_leads(store: Store, timeline: Timeline) -> None:
    many = [Process(str(number), store, timeline, interval=3600) for number in range(8)]
    async with AsyncExitStack() as stack:
        for process in many:
            await stack.enter_async_context(process.runner)
        await timeline.settle()
        assert sorted(process.rounds for process in many) == [0] * 7 + [1]


async def test_a_leader_that_dies_is_replaced_when_its_lease_expires(
    store: Store, timeline: Timeline
) -> None:
    dead = Process("dead", store, timeline)
    await dead.runner.__aenter__()
    await timeline.settle()
    await end_without_release(timeline)
    async with AsyncExitStack() as stack:
        heirs = [Process(name, store, timeline, interval=3600) for name in ("one", "two")]
        for heir in heirs:
            await stack.enter_async_context(heir.runner)
        await timeline.advance(LEASE - 1)
        assert [heir.rounds for heir in heirs] == [0, 0]
        assert await store.read(leases) == {"work": "dead"}
        await timeline.advance(RENEWAL)
        assert sorted(heir.rounds for heir in heirs) == [0, 1]
    assert dead.rounds == 1


async def end_without_release(timeline: Timeline) -> None:
    """Leave what a process leaves that dies: a lease that is not renewed."""
    for task in asyncio.all_tasks():
        if "worker" in task.get_name():
            task.cancel()
    await asyncio.sleep(0)
    await timeline.settle()


async def test_a_process_that_is_killed_is_replaced_by_another_one(
    new_postgres_url: str, timeline: Timeline
) -> None:
    store = open_store(
        Settings.from_environment({}, database_url=new_postgres_url, encryption_key="6b" * 32)
    )
    await store.open()
    timeline.now = datetime.now(UTC)
    process = Process("here", store, timeline)
    leader = await asyncio.to_thread(start_leader, new_postgres_url)
    async with process.runner:
        await timeline.settle()
        assert await store.read(leases) == {"work": "another process"}
        leader.kill()
        leader.communicate()
        await timeline.settle()
        assert process.rounds == 0, "the lease is still the other's"
        await timeline.advance(2 * LEASE)
        assert process.rounds > 0
        assert await store.read(leases) == {"work": "here"}
    await store.close()


def start_leader(url: str) -> subprocess.Popen[bytes]:
    """A process that leads now."""
    command = [sys.executable, Path(__file__).with_name("leading_worker.py"), url]
    leader = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert leader.stdout is not None
    assert leader.stdout.readline() == b"round\n"
    return leader


async def test_a_leader_that_stops_gives_up_its_lease_and_the_next_attempt_gets_it(
    store: Store, timeline: Timeline
) -> None:
    first, second = (Process(name, store, timeline) for name in ("first", "second"))
    async with first.runner:
        await timeline.settle()
        assert await store.read(leases) == {"work": "first"}
    assert await store.read(leases) == {}
    async with second.runner:
        await timeline.settle()
        assert await store.read(leases) == {"work": "second"}
    assert (first.rounds, second.rounds) == (1, 1)


async def test_a_round_that_takes_longer_than_a_lease_keeps_its_lease(
    store: Store, timeline: Timeline
) -> None:
    ended = []

    async def work() -> None:
        await timeline.wait(5 * LEASE)
        ended.append(timeline())

    long = Runner([Loop("work", 1, work)], store, clock=timeline, holder="long", wait=timeline.wait)
    other = Process("other", store, timeline)
    async with long:
        await timeline.settle()
        async with other.runner:
            start = timeline()
            await timeline.advance(5 * LEASE)
    assert ended == [start + timedelta(seconds=5 * LEASE)]
    assert other.rounds == 0


async def test_a_leader_whose_lease_was_taken_stops_its_round(
    store: Store, timeline: Timeline
) -> None:
    cut_off = []

    async def work() -> None:
        try:
            await timeline.wait(3600)
        except asyncio.CancelledError:
            cut_off.append(timeline())
            raise

    asleep = Runner(
        [Loop("work", 1, work)], store, clock=timeline, holder="asleep", wait=timeline.wait
    )
    async with asleep:
        await timeline.settle()
        timeline.now += timedelta(seconds=2 * LEASE)  # as where a laptop is closed
        async with Process("awake", store, timeline).runner:
            await timeline.settle()
            assert await store.read(leases) == {"work": "awake"}
            assert not cut_off, "it has not noticed yet"
            await timeline.advance(RENEWAL)
            assert cut_off
            assert await store.read(leases) == {"work": "awake"}


async def test_each_loop_has_a_lease_and_a_leader_of_its_own(
    store: Store, timeline: Timeline
) -> None:
    async def work() -> None:
        """Nothing to do."""

    def runner(name: str, *loops: str) -> Runner:
        return Runner(
            [Loop(loop, 60, work) for loop in loops],
            store,
            clock=timeline,
            holder=name,
            wait=timeline.wait,
        )

    async with runner("first", "a"):
        await timeline.settle()
        async with runner("second", "a", "b"):
            await timeline.settle()
            assert await store.read(leases) == {"a": "first", "b": "second"}


async def test_a_round_that_fails_is_logged_and_stops_nothing(
    store: Store, timeline: Timeline, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise LookupError("the reason")

    good = Process("good", store, timeline, interval=60)
    runner = Runner(
        [Loop("failing", 60, fail), Loop("good", 60, good.run)],
        store,
        clock=timeline,
        holder="here",
        wait=timeline.wait,
    )
    with caplog.at_level(logging.ERROR, "agentserver_reference"):
        async with runner:
            await timeline.advance(120)
    failures = [record for record in caplog.records if record.message == "worker failed"]
    assert [record.event_fields for record in failures] == [{"worker": "failing"}] * 3  # type: ignore[attr-defined]
    assert all("the reason" in str(record.exc_info) for record in failures)
    assert good.rounds == 3


class Unreliable(Store):
    """A database that can be out of reach."""

    def __init__(self, store: Store) -> None:
        self.is_reachable = True
        self._store = store

    async def open(self) -> None:
        """It is open already."""

    async def close(self) -> None:
        """Its owner closes it."""

    async def read(self, query, /, *args, **kwargs):
        return await self._store.read(query, *args, **kwargs)

    async def change(self, query, /, *args, **kwargs):
        return await self._store.change(query, *args, **kwargs)

    async def write(self, query, /, *args, **kwargs):
        if not self.is_reachable:
            raise OSError("unreachable")
        return await self._store.write(query, *args, **kwargs)


async def test_a_leader_without_its_database_leads_until_its_lease_expires_and_then_tries_again(
    store: Store, timeline: Timeline
) -> None:
    unreliable = Unreliable(store)
    process = Process("here", unreliable, timeline, interval=1)
    async with process.runner:
        await timeline.settle()
        unreliable.is_reachable = False
        await timeline.advance(LEASE - 1)
        rounds = process.rounds
        assert rounds == LEASE
        await timeline.advance(10 * LEASE)
        assert process.rounds == rounds, "it does not lead without a lease"
        unreliable.is_reachable = True
        await timeline.advance(RENEWAL)
        assert process.rounds > rounds
        unreliable.is_reachable = False
    assert await store.read(leases) == {"work": "here"}, "it stops all the same"


def count(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(session_table)).scalar_one()


async def add_sessions(store: Store, number: int, expires_at: datetime) -> None:
    def add(conn: Connection) -> None:
        for index in range(number):
            sessions.add(
                conn,
                token_hash=f"{expires_at}{index}",
                user_id="u",
                now=expires_at - LIFETIME,
                expires_at=expires_at,
            )

    await store.write(add)


async def test_expired_sessions_are_removed_in_batches_and_living_ones_stay(
    settings: Settings, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "EXPIRED_BATCH", 3)
    now = timeline()
    app = create_app(settings, clock=timeline, wait=timeline.wait)
    context = app.state.context
    store = context.store
    await store.open()
    await store.write(
        users.add, user_id="u", email="a@example.com", password_hash="h", role="user", now=now
    )
    await add_sessions(store, 7, now)
    await add_sessions(store, 2, now - timedelta(days=30))
    await add_sessions(store, 4, now + timedelta(seconds=1))
    assert await auth.remove_expired_sessions(UnitOfWork(context)) == 9
    assert await store.read(count) == 4
    assert await auth.remove_expired_sessions(UnitOfWork(context)) == 0
    await store.close()


async def test_the_server_removes_expired_sessions_which_never_authorise_before_or_after(
    settings: Settings, store: Store, timeline: Timeline
) -> None:
    async with serving(settings, clock=timeline, wait=timeline.wait) as client:
        await timeline.settle()
        old = await session_cookie(client, "old@example.com")
        timeline.now += LIFETIME - timedelta(seconds=1)
        living = await session_cookie(client, "living@example.com")

        async def statuses() -> list[int]:
            answers = [
                await client.get("/api/auth/me", headers={"Cookie": cookie})
                for cookie in (old, living)
            ]
            return [answer.status_code for answer in answers]

        assert await statuses() == [200, 200]
        timeline.now += timedelta(seconds=1)
        assert await statuses() == [401, 200]
        assert await store.read(count) == 2, "it is still in the table"
        await timeline.advance(3600)
        assert await store.read(count) == 1
        assert await statuses() == [401, 200]
    assert await store.read(leases) == {}
