"""The server works through PgBouncer in transaction mode, where sessions are shared.

`test_concurrency` and `test_rights` have more on it.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from databases import CHEAPEST, KEY
from people import start_server
from sqlalchemy import text
from version_1 import fill_postgresql

from agentserver_reference.settings import Settings
from agentserver_reference.storage import open_store, worker_leases
from agentserver_reference.storage.engine import schema

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def settings_for(url: str) -> Settings:
    return Settings.from_environment(
        {}, database_url=url, encryption_key=KEY, password_cost=CHEAPEST
    )


async def test_the_server_leaves_no_prepared_statement_in_a_shared_session(
    pgbouncer_url: str,
) -> None:
    async with start_server(settings_for(pgbouncer_url)) as server:
        alice = await server.create_user("alice@example.com")
        workspaces = await asyncio.gather(*[alice.create_workspace() for _ in range(8)])
        shown = await asyncio.gather(
            *[alice.read(f"/api/workspaces/{one}") for one in workspaces * 5]
        )
        assert [one["id"] for one in shown] == workspaces * 5
        left = await server.store.read(
            lambda conn: conn.execute(
                text("SELECT count(*) FROM pg_prepared_statements")
            ).scalar_one()
        )
        assert left == 0


async def test_statements_are_prepared_once_without_a_pooler(postgres_url: str) -> None:
    async with start_server(settings_for(postgres_url)) as server:
        await server.create_user("alice@example.com")
        left = await server.store.read(
            lambda conn: conn.execute(
                text("SELECT count(*) FROM pg_prepared_statements")
            ).scalar_one()
        )
        assert left > 0


async def test_an_old_database_is_upgraded_through_a_pooler(
    pgbouncer_url: str, new_postgres_url: str
) -> None:
    await fill_postgresql(new_postgres_url)
    for _ in range(2):
        store = open_store(settings_for(pgbouncer_url))
        await store.open()
        await store.close()
    connection = await asyncpg.connect(new_postgres_url)
    assert await connection.fetchval("SELECT schema_version FROM installation") == schema.VERSION
    await connection.close()


async def test_a_lease_is_of_one_process_though_they_share_sessions(pgbouncer_url: str) -> None:
    stores = [open_store(settings_for(pgbouncer_url)) for _ in range(3)]
    for store in stores:
        await store.open()
    until = NOW + timedelta(seconds=60)
    acquired = await asyncio.gather(
        *[
            store.write(worker_leases.acquire, "work", str(index), now=NOW, until=until)
            for index, store in enumerate(stores)
        ]
    )
    for store in stores:
        await store.close()
    assert sorted(acquired) == [False, False, True]
