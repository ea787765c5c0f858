"""A database of an older schema version is upgraded at the start, whole or not at all."""

import asyncio
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from alembic.script import ScriptDirectory
from databases import CHEAPEST, KEY
from processes import serving_processes
from serving import serving
from sqlalchemy import Connection, inspect, text
from version_1 import SHOWN, fill_with_version_1, on_core

from agentserver_reference.settings import Settings
from agentserver_reference.storage import StoreUnreachable, open_store
from agentserver_reference.storage.engine import migrations, schema
from agentserver_reference.storage.engine.migrations import UpgradeFailed, migrate

pytestmark = pytest.mark.anyio

T = TypeVar("T")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that nothing has used yet."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("new_postgres_url")
        return url
    return f"sqlite:///{tmp_path / 'new.db'}"


@pytest.fixture
def old_url(empty_url: str) -> str:
    """A database that the server of schema version 1 has filled."""
    fill_with_version_1(empty_url)
    return empty_url


def settings_for(url: str) -> Settings:
    return Settings.from_environment(
        {}, database_url=url, encryption_key=KEY, password_cost=CHEAPEST
    )


def version(connection: Connection) -> int:
    found: int = connection.execute(text("SELECT schema_version FROM installation")).scalar_one()
    return found


NEWER = (
    *("installation", "worker_leases", "llm_traces", "workspace_tokens", "sandbox_processes"),
    *("api_keys", "codex_threads", "codex_turns", "operations", "codex_tokens"),
    *("codex_sessions", "credential_bindings", "modelserver_states", "modelserver_connections"),
    *("workspace_im_channels", "im_messages", "im_conversations", "workspace_weixin_logins"),
    "credential_logins",
    *("signing_keys", "executor_identities", "executor_proofs", "executors"),
    *("executor_harnesses", "executor_frames"),
)
"""The tables that no version 1 has, and that of the version."""


def rows(connection: Connection) -> dict[str, list[str]]:
    """Every row of every table that version 1 has, but for the version itself, with what is set."""
    return {
        table: sorted(
            str(sorted((name, value) for name, value in row.items() if value is not None))
            for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()  # noqa: S608
        )
        for table in inspect(connection).get_table_names()
        if table not in NEWER and not table.startswith(("oauth_", "agent_"))
    }


def shape(connection: Connection) -> dict[str, Any]:
    """Tables, columns, keys, indexes and constraints, as the database describes them."""
    found = inspect(connection)

    def plain(value: Any) -> Any:
        # The condition of an index is an object on SQLite, a text on PostgreSQL.
        return {name: str(each) for name, each in value.items()} if type(value) is dict else value

    def by_name(described: Any) -> list[str]:
        return sorted(
            str(sorted(((name, plain(value)) for name, value in each.items()), key=str))
            for each in described
        )

    return {
        table: {
            "columns": {
                column["name"]: {**column, "type": str(column["type"])}
                for column in found.get_columns(table)
            },
            "primary key": found.get_pk_constraint(table),
            "references": by_name(found.get_foreign_keys(table)),
            "unique": by_name(found.get_unique_constraints(table)),
            "checks": by_name(found.get_check_constraints(table)),
            "indexes": by_name(found.get_indexes(table)),
        }
        for table in found.get_table_names()
    }


async def open_and_close(url: str) -> None:
    store = open_store(settings_for(url))
    await store.open()
    await store.close()


async def assert_upgraded(url: str, before: dict[str, list[str]]) -> None:
    """It has the newest version, the rows it had, and its API shows what it showed."""
    assert await on_core(url, version) == schema.VERSION
    assert await on_core(url, rows) == before
    now = datetime.fromisoformat(SHOWN["now"])
    async with serving(settings_for(url), clock=lambda: now) as client:
        for answer in SHOWN["answers"]:
            session = SHOWN["sessions"][answer["as"]]
            headers = {"Cookie": f"agentserver-token={session}"}
            found = await client.get(answer["path"], headers=headers)
            assert (answer["path"], found.status_code) == (answer["path"], 200)
            assert found.json() == answer["body"]
        account = {"email": "ada@example.com", "password": SHOWN["password"]}
        assert (await client.post("/api/auth/login", json=account)).status_code == 200


async def test_a_database_of_version_1_keeps_every_row_and_shows_what_it_showed(
    old_url: str,
) -> None:
    assert await on_core(old_url, version) == 1
    before = await on_core(old_url, rows)
    assert all(before.values()), "there is a row in every table"
    await open_and_close(old_url)
    await assert_upgraded(old_url, before)


def start_and_kill(url: str, moment: str) -> None:
    command = [sys.executable, Path(__file__).with_name("blocked_upgrade.py"), url, moment]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as upgrading:
        assert upgrading.stdout is not None
        assert upgrading.stdout.readline() == b"blocked\n"
        upgrading.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_an_upgrade_that_is_killed_changed_nothing_and_is_done_by_the_next_start(
    old_url: str, moment: str
) -> None:
    before = await on_core(old_url, rows)
    tables = await on_core(old_url, shape)
    await asyncio.to_thread(start_and_kill, old_url, moment)
    assert await on_core(old_url, version) == 1
    assert await on_core(old_url, shape) == tables
    await open_and_close(old_url)
    await assert_upgraded(old_url, before)


def test_processes_that_start_at_once_upgrade_a_postgresql_once(
    new_postgres_url: str,
) -> None:
    fill_with_version_1(new_postgres_url)
    with serving_processes(new_postgres_url, 3) as urls:
        assert [httpx.get(f"{url}/healthz").status_code for url in urls] == [200] * 3


async def test_new_upgraded_and_migrated_from_nothing_are_the_same_tables(
    empty_url: str,
) -> None:
    await open_and_close(empty_url)
    new = await on_core(empty_url, shape)
    await on_core(empty_url, drop_all)

    await on_core(empty_url, lambda connection: migrate(connection, 0, schema.VERSION))
    assert await on_core(empty_url, shape) == new
    await on_core(empty_url, drop_all)

    await asyncio.to_thread(fill_with_version_1, empty_url)
    await open_and_close(empty_url)
    assert await on_core(empty_url, shape) == new


def drop_all(connection: Connection) -> None:
    for table in inspect(connection).get_table_names():
        cascade = "" if connection.dialect.name == "sqlite" else " CASCADE"
        connection.execute(text(f"DROP TABLE {table}{cascade}"))


async def test_the_baseline_is_what_the_server_of_version_1_made(old_url: str) -> None:
    made = await on_core(old_url, shape)
    await on_core(old_url, drop_all)
    await on_core(old_url, lambda connection: migrate(connection, 0, 1))
    assert await on_core(old_url, shape) == made


def test_the_newest_script_is_the_version_that_the_server_knows() -> None:
    scripts = ScriptDirectory(migrations.FOLDER)
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == [f"{number:04}" for number in range(schema.VERSION, 0, -1)]


def test_a_start_without_an_upgrade_does_not_import_alembic(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from agentserver_reference.settings import Settings
from agentserver_reference.storage import open_store
settings = Settings.from_environment({{}}, database_url="sqlite:///{tmp_path / "new.db"}")
for _ in range(2):
    store = open_store(settings)
    asyncio.run(store.open())
    asyncio.run(store.close())
assert "alembic" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def next_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives the server one more version, whose script has this body."""

    def add(body: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(migrations.FOLDER, folder)
        number = schema.VERSION + 1
        (folder / "versions" / f"{number:04}_next.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = '{number:04}'\ndown_revision = '{schema.VERSION:04}'\n"
            f"def upgrade():\n    {body}\n"
        )
        monkeypatch.setattr(migrations, "FOLDER", folder)
        monkeypatch.setattr(schema, "VERSION", number)

    return add


async def test_a_step_that_fails_is_named_and_leaves_the_database_as_it_was(
    old_url: str, next_script: Callable[[str], None]
) -> None:
    before = await on_core(old_url, shape)
    next_script("op.execute('DELETE FROM users'); op.execute('SELECT nonsense')")
    expected = rf"from schema version 1 to {schema.VERSION}; .*nonsense"
    with pytest.raises(UpgradeFailed, match=expected) as failed:
        await open_and_close(old_url)
    assert "\n" not in str(failed.value)
    assert await on_core(old_url, shape) == before
    assert await on_core(old_url, version) == 1


async def test_a_database_that_fails_around_an_upgrade_is_named(
    old_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "upgrade", lambda conn: conn.execute(text("SELECT nonsense")))
    with pytest.raises(StoreUnreachable, match=r"^cannot use .*nonsense") as failed:
        await open_and_close(old_url)
    assert "\n" not in str(failed.value)


async def test_a_table_may_be_recreated_without_the_rows_that_refer_to_it_being_deleted(
    old_url: str, next_script: Callable[[str], None]
) -> None:
    before = await on_core(old_url, rows)
    next_script(
        "with op.batch_alter_table('users', recreate='auto') as users:"
        " users.alter_column('role', type_=sa.Text())"
    )
    await open_and_close(old_url)
    assert await on_core(old_url, rows) == before


async def test_an_upgrade_that_would_leave_references_to_nothing_is_refused(
    tmp_path: Path, next_script: Callable[[str], None]
) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    fill_with_version_1(url)
    before = await on_core(url, rows)
    next_script("op.execute('DELETE FROM users')")
    with pytest.raises(UpgradeFailed, match="refers to no row of users"):
        await open_and_close(url)
    assert await on_core(url, rows) == before
