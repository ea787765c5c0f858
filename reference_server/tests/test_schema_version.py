"""The tables are made once, and a database that is not ours to use is refused by name."""

import sqlite3
from pathlib import Path

import httpx
import pytest
from processes import serving_processes
from sqlalchemy import text, update

from agentserver_reference.settings import Settings
from agentserver_reference.storage import (
    SchemaTooNew,
    SchemaUnknown,
    Store,
    StoreError,
    StoreUnreachable,
    open_store,
    users,
)
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.schema import VERSION
from agentserver_reference.storage.tables import installation

pytestmark = pytest.mark.anyio


def test_four_processes_that_start_at_once_on_an_empty_postgresql_all_come_up(
    new_postgres_url: str,
) -> None:
    with serving_processes(new_postgres_url, 4) as urls:
        assert [httpx.get(f"{url}/healthz").status_code for url in urls] == [200] * 4


async def test_a_newer_schema_is_refused_by_name_and_left_alone(
    store: Store, settings: Settings
) -> None:
    def set_version(conn: Connection, version: int) -> None:
        conn.execute(update(installation).values(schema_version=version))

    await store.write(set_version, VERSION + 1)
    newcomer = open_store(settings)
    with pytest.raises(SchemaTooNew) as refused:
        await newcomer.open()
    await store.write(set_version, VERSION)  # a kept database serves other tests
    assert f"schema version {VERSION + 1}" in str(refused.value)
    assert "upgrade agentserver" in str(refused.value)


async def test_the_tables_of_another_program_are_refused_and_left_alone(
    new_postgres_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE users (id INTEGER)")
    other.close()
    for url in (f"sqlite:///{path}", new_postgres_url):
        settings = Settings.from_environment({}, database_url=url, encryption_key="00" * 32)
        if settings.is_postgresql:
            await make_users_table(new_postgres_url)
        with pytest.raises(SchemaUnknown, match=r"tables of another program \(users\)"):
            await open_store(settings).open()


async def make_users_table(url: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE users (id INTEGER)")
    await connection.close()


async def test_what_was_stored_is_there_after_a_restart(store: Store, settings: Settings) -> None:
    again = open_store(settings)
    await again.open()
    assert await again.read(users.list_all) == []
    await again.close()


async def test_sqlite_enforces_references(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    store = open_store(Settings.from_environment({}, database_url=url))
    await store.open()
    enforced, journal = await store.read(
        lambda conn: (
            conn.execute(text("PRAGMA foreign_keys")).scalar_one(),
            conn.execute(text("PRAGMA journal_mode")).scalar_one(),
        )
    )
    await store.close()
    assert (enforced, journal) == (1, "wal")


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, though long enough to be looked at\n" * 100)
    settings = Settings.from_environment({}, database_url=f"sqlite:///{path}")
    with pytest.raises(StoreUnreachable, match=r"cannot use .*notes\.txt as a database"):
        await open_store(settings).open()


@pytest.mark.parametrize("sslmode", ["", "?sslmode=disable"])
async def test_a_postgresql_that_does_not_answer_is_named_without_its_password(
    sslmode: str,
) -> None:
    url = f"postgresql://user:hidden-password@127.0.0.1:1/agents{sslmode}"
    settings = Settings.from_environment({}, database_url=url, encryption_key="00" * 32)
    with pytest.raises(StoreError) as refused:
        await open_store(settings).open()
    assert "127.0.0.1:1/agents" in str(refused.value)
    assert "hidden-password" not in str(refused.value)
    assert "\n" not in str(refused.value)
