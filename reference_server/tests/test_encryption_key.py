"""A key that does not open what is stored stops the start, and a key can be replaced."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import attrs
import pytest
from databases import CHEAPEST, KEY
from modelservers import CALLBACK, connecting
from people import PASSWORD, ok
from serving import serving, session_cookie
from sqlalchemy import Connection, text, update
from version_1 import fill_with_version_1, on_core

from agentserver_reference import rotate_key as rotation
from agentserver_reference.domain.cipher import Cipher
from agentserver_reference.rotate_key import rotate_key
from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import StoreError, encryption, open_store
from agentserver_reference.storage.encryption import KeyMismatch, encrypted_columns
from agentserver_reference.storage.engine import schema
from agentserver_reference.storage.engine.migrations import migrate
from agentserver_reference.storage.keyfile import pending_of
from agentserver_reference.storage.serverlock import DatabaseInUse, only_server
from agentserver_reference.storage.tables import PLACE, installation, llm_configs, metadata

pytestmark = pytest.mark.anyio

OTHER = "5a" * 32
CONFIG = {
    "base_url": "https://models.example.com/v1",
    "api_key": "sk-0123456789abcdef",
    "models": [{"id": "m", "name": "M"}],
}


@pytest.fixture(params=["sqlite", "postgresql"])
def new_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A server on a database that nothing has used yet."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("new_postgres_url")
    return Settings.from_environment(
        {}, database_url=url, data_dir=tmp_path, encryption_key=KEY, password_cost=CHEAPEST
    )


def with_key(settings: Settings, key: str | None) -> Settings:
    return attrs.evolve(settings, encryption_key=None if key is None else bytes.fromhex(key))


async def store_secrets(settings: Settings, number: int = 1) -> list[str]:
    """Store the API key of so many workspaces; return their paths."""
    async with serving(settings) as client:
        cookie = {"Cookie": await session_cookie(client)}
        paths = []
        for _ in range(number):
            created = await client.post("/api/workspaces", json={"name": "W"}, headers=cookie)
            paths.append(f"/api/workspaces/{created.json()['id']}/llm-config")
            stored = await client.put(paths[-1], json=CONFIG, headers=cookie)
            assert stored.is_success, stored.text
    return paths


async def assert_readable(settings: Settings, paths: list[str]) -> None:
    """Check that a server with these settings starts, and reads the API keys."""
    async with serving(settings) as client:
        account = {"email": "alice@example.com", "password": PASSWORD}
        logged_in = await client.post("/api/auth/login", json=account)
        cookie = {"Cookie": logged_in.headers["set-cookie"].partition(";")[0]}
        for path in paths:
            shown = (await client.get(path, headers=cookie)).json()
            assert shown["api_key"] == "sk-...cdef"


async def assert_refused(settings: Settings, match: str) -> None:
    with pytest.raises(KeyMismatch, match=match) as refused:
        async with serving(settings):
            pass
    assert "\n" not in str(refused.value)


async def stored_values(settings: Settings) -> list[str]:
    """Every encrypted value of the database."""
    store = open_store(settings)
    await store.open()
    try:
        return await store.read(
            lambda conn: [text for each in encrypted_columns() for _, text in each.values(conn)]
        )
    finally:
        await store.close()


def test_every_encrypted_column_is_marked() -> None:
    marked = {each.place for each in encrypted_columns()}
    assert marked == {
        "credential_bindings.secret",
        "credential_logins.secret",
        "installation.key_check",
        "llm_configs.api_key",
        "modelserver_connections.access_token",
        "modelserver_connections.refresh_token",
        "modelserver_states.verifier",
        "sandboxes.token",
        "workspace_im_channels.token",
        "workspace_tokens.token",
        "workspace_weixin_logins.qrcode",
        "signing_keys.private_key",
    }
    for table in metadata.sorted_tables:
        for column in table.columns:
            assert PLACE in column.info or not column.name.endswith("_encrypted"), column


@pytest.mark.parametrize("secrets", [0, 1])
async def test_another_key_stops_the_start_by_name_and_changes_nothing(
    new_settings: Settings, secrets: int
) -> None:
    paths = await store_secrets(new_settings, secrets)
    before = await stored_values(new_settings)
    ids = [Cipher(bytes.fromhex(key)).key_id for key in (KEY, OTHER)]
    await assert_refused(
        with_key(new_settings, OTHER),
        rf"^AGENTSERVER_ENCRYPTION_KEY: .*with key {ids[0]}, this server has key {ids[1]}",
    )
    assert await stored_values(new_settings) == before
    await assert_readable(new_settings, paths)


async def test_an_ordinary_start_reads_the_check_value_alone(
    new_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_secrets(new_settings)

    def not_needed(*_: object) -> None:
        raise AssertionError("other values were read")

    monkeypatch.setattr(encryption, "_check_stored", not_needed)
    async with serving(new_settings):
        pass


async def forget_check_value(settings: Settings) -> None:
    store = open_store(settings)
    await store.open()
    await store.write(lambda conn: conn.execute(update(installation).values(key_check=None)))
    await store.close()


def as_version_2(connection: Connection) -> None:
    """Make a database of version 1 one of version 2, which has no check value either."""
    migrate(connection, 1, 2)
    connection.execute(text("UPDATE installation SET schema_version = 2"))


async def version(settings: Settings) -> int:
    url = settings.resolved_database_url
    if settings.is_postgresql:
        connection = await asyncpg.connect(url)
        found: int = await connection.fetchval("SELECT schema_version FROM installation")
        await connection.close()
        return found
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        found = database.execute("SELECT schema_version FROM installation").fetchone()[0]
    database.close()
    return found


async def test_a_database_of_version_2_is_checked_by_what_it_stores_before_its_upgrade(
    new_settings: Settings,
) -> None:
    url = new_settings.resolved_database_url
    await asyncio.to_thread(fill_with_version_1, url)
    await on_core(url, as_version_2)
    await assert_refused(with_key(new_settings, OTHER), "^AGENTSERVER_ENCRYPTION_KEY: does not")
    assert await version(new_settings) == 2
    async with serving(new_settings):
        pass
    assert await version(new_settings) == schema.VERSION
    assert len(await stored_values(new_settings)) == 2, "the check value and the API key"


async def test_a_database_without_a_check_value_gets_one(new_settings: Settings) -> None:
    paths = await store_secrets(new_settings)
    await forget_check_value(new_settings)
    await assert_refused(with_key(new_settings, OTHER), "does not open what the database stores")
    await assert_readable(new_settings, paths)
    assert len(await stored_values(new_settings)) == 2


async def test_a_key_file_of_another_database_is_named_and_a_missing_one_is_not_replaced(
    tmp_path: Path,
) -> None:
    settings = Settings.from_environment(
        {}, database_url=f"sqlite:///{tmp_path / 'a.db'}", password_cost=CHEAPEST
    )
    paths = await store_secrets(settings)
    file = tmp_path / "secret.key"
    text = file.read_text()
    file.write_text(OTHER)
    await assert_refused(settings, r"^.*secret\.key: does not open what the database stores")
    file.unlink()
    await assert_refused(settings, r"^.*secret\.key: is missing, .*set AGENTSERVER_ENCRYPTION_KEY$")
    assert not file.exists()
    file.write_text(text)
    await assert_readable(settings, paths)


def command(settings: Settings, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    key = settings.encryption_key
    environment = {
        **os.environ,
        "DATABASE_URL": settings.resolved_database_url,
        **({"AGENTSERVER_ENCRYPTION_KEY": key.hex()} if key else {}),
        **variables,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "agentserver_reference", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = await asyncio.to_thread(process.communicate)
    return process.returncode, output, errors


async def test_the_command_stops_with_status_2_and_one_line(new_settings: Settings) -> None:
    await store_secrets(new_settings)
    wrong = with_key(new_settings, OTHER)
    status, output, errors = await finished(command(wrong, "serve", "--port", "0"))
    assert (status, output) == (2, "")
    assert errors.startswith(
        "agentserver-reference: AGENTSERVER_ENCRYPTION_KEY: does not open what the database stores"
    )
    assert errors.count("\n") == 1


async def test_a_rotation_encrypts_every_value_with_the_new_key(
    new_settings: Settings, tmp_path: Path
) -> None:
    paths = await store_secrets(new_settings, 3)
    before = await stored_values(new_settings)
    file = tmp_path / "new.key"
    status, output, errors = await finished(
        command(new_settings, "rotate-key", "--new-key-file", str(file), "--log-format", "json")
    )
    assert status == 0, errors
    new = file.read_text().strip()
    new_id = Cipher(bytes.fromhex(new)).key_id
    assert json.loads(output) == {
        "event": "rotated",
        "secrets": 4,
        "old_key": Cipher(bytes.fromhex(KEY)).key_id,
        "new_key": new_id,
        "stored_in": str(file),
    }
    progress = [json.loads(line) for line in errors.splitlines()]
    assert [(line["column"], line["done"], line["total"]) for line in progress] == [
        ("installation.key_check", 1, 1),
        ("llm_configs.api_key", 3, 3),
    ]
    after = await stored_values(new_settings)
    assert len(after) == len(before)
    assert all(value.startswith(f"{new_id}.") for value in after)
    assert KEY not in output + errors
    assert new not in output + errors
    await assert_refused(new_settings, "does not open")
    await assert_readable(with_key(new_settings, new), paths)


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


async def test_a_rotation_takes_the_new_key_from_its_variable(new_settings: Settings) -> None:
    paths = await store_secrets(new_settings)
    settings = attrs.evolve(new_settings, new_encryption_key=bytes.fromhex(OTHER))
    done = await in_thread(rotate_key, settings, None)
    assert done.stored_in == "AGENTSERVER_NEW_ENCRYPTION_KEY"
    await assert_readable(with_key(new_settings, OTHER), paths)


async def secrets_of(settings: Settings, key: str) -> dict[tuple[str, str], str]:
    """Every secret of the database, by its place and its row, opened with this key alone."""
    cipher, store = Cipher(bytes.fromhex(key)), open_store(settings)
    await store.open()
    try:
        stored = await store.read(
            lambda conn: [
                (each.place, str(row), value)
                for each in encrypted_columns()
                for row, value in each.values(conn)
            ]
        )
    finally:
        await store.close()
    return {
        (place, row): cipher.decrypt(value, row=row, column=place) for place, row, value in stored
    }


async def test_a_rotation_keeps_credentials_and_the_tokens_of_bots_and_of_the_model_server(
    tmp_path: Path,
) -> None:
    settings = Settings.from_environment(
        {},
        database_url=f"sqlite:///{tmp_path / 'a.db'}",
        data_dir=tmp_path,
        encryption_key=KEY,
        password_cost=CHEAPEST,
        modelserver_auth_url="built-in",
        modelserver_redirect_uri=CALLBACK,
    )
    async with connecting(settings) as here:
        await here.connect()
        path = f"/api/workspaces/{here.workspace_id}"
        cluster = {"cluster": {"server": "https://k8s.example.com"}, "name": "c"}
        user = {"user": {"token": "token-of-the-cluster"}, "name": "u"}
        config = json.dumps({"clusters": [cluster], "users": [user]})
        for at, body in (
            ("credentials/k8s", {"display_name": "Production", "config": config}),
            ("im/telegram/configure", {"bot_token": "4242:token-of-the-bot-0123456789"}),
        ):
            ok(await here.owner.request("POST", f"{path}/{at}", body))
    before = await secrets_of(settings, KEY)
    assert {place for place, _ in before} >= {
        "credential_bindings.secret",
        "workspace_im_channels.token",
        "modelserver_connections.access_token",
        "modelserver_connections.refresh_token",
    }
    assert "token-of-the-cluster" in str(before)
    assert "4242:token-of-the-bot-0123456789" in before.values()
    rotating = attrs.evolve(settings, new_encryption_key=bytes.fromhex(OTHER))
    await in_thread(rotate_key, rotating, None)
    assert await secrets_of(with_key(settings, OTHER), OTHER) == before


async def test_a_rotation_replaces_the_key_file_beside_the_database(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {}, database_url=f"sqlite:///{tmp_path / 'a.db'}", password_cost=CHEAPEST
    )
    paths = await store_secrets(settings)
    file = tmp_path / "secret.key"
    old = file.read_text()
    done = await in_thread(rotate_key, settings, None)
    assert done.stored_in == str(file)
    assert file.read_text() != old
    assert file.stat().st_mode & 0o777 == 0o600
    assert not pending_of(file).exists()
    await assert_readable(settings, paths)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_rotation_that_ends_around_its_commit_is_undone_or_finished_by_the_next_start(
    tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.from_environment(
        {}, database_url=f"sqlite:///{tmp_path / 'a.db'}", password_cost=CHEAPEST
    )
    paths = await store_secrets(settings)
    file = tmp_path / "secret.key"
    old = file.read_text()
    rotate = rotation._rotate

    async def killed(*arguments: Any) -> int:
        if moment == "after":
            await rotate(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(rotation, "_rotate", killed)
    with pytest.raises(KeyboardInterrupt):
        await in_thread(rotate_key, settings, None)
    assert file.read_text() == old
    assert pending_of(file).exists()
    await assert_readable(settings, paths)
    assert (file.read_text() == old) is (moment == "before")
    assert not pending_of(file).exists()


async def test_a_rotation_that_is_killed_in_the_middle_changes_nothing(
    new_settings: Settings, tmp_path: Path
) -> None:
    paths = await store_secrets(new_settings, 2)
    before = await stored_values(new_settings)
    program = """
import sys
from agentserver_reference import rotate_key
from agentserver_reference.__main__ import main

def stop(place, done, total):
    if place.startswith("llm_configs"):
        print("blocked", flush=True)
        sys.stdin.read()

rotate_key._progress = stop
main(sys.argv[1:])
"""
    key = new_settings.encryption_key
    assert key is not None
    environment = {
        **os.environ,
        "DATABASE_URL": new_settings.resolved_database_url,
        "AGENTSERVER_ENCRYPTION_KEY": key.hex(),
        "AGENTSERVER_NEW_ENCRYPTION_KEY": OTHER,
    }

    def run() -> None:
        with subprocess.Popen(
            [sys.executable, "-c", program, "rotate-key"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"blocked\n"
            process.send_signal(signal.SIGKILL)

    await in_thread(run)
    assert await stored_values(new_settings) == before
    await assert_readable(new_settings, paths)


async def lease_taken(url: str) -> None:
    """Return when a server has taken a lease, which it does right after its start."""
    connection = await asyncpg.connect(url)
    async with asyncio.timeout(30):
        while not await connection.fetchval("SELECT count(*) FROM worker_leases"):
            pass
    await connection.close()


async def test_a_rotation_is_refused_while_a_server_uses_the_database(
    new_settings: Settings, tmp_path: Path
) -> None:
    await store_secrets(new_settings)
    before = await stored_values(new_settings)
    process = command(new_settings, "serve", "--port", "0")
    assert process.stdout is not None
    try:
        assert await in_thread(process.stdout.readline)
        if new_settings.is_postgresql:
            await lease_taken(new_settings.resolved_database_url)
        with pytest.raises(DatabaseInUse, match="is used by"):
            await in_thread(rotate_key, new_settings, tmp_path / "new.key")
        assert await stored_values(new_settings) == before
    finally:
        process.terminate()
        await finished(process)
    await in_thread(rotate_key, new_settings, tmp_path / "new.key")


async def test_a_value_that_the_old_key_does_not_open_stops_the_rotation(
    new_settings: Settings, tmp_path: Path
) -> None:
    await store_secrets(new_settings)
    foreign = Cipher(bytes.fromhex(OTHER)).encrypt("secret", row="w", column="c")
    store = open_store(new_settings)
    await store.open()
    await store.write(
        lambda conn: conn.execute(update(llm_configs).values(api_key_encrypted=foreign))
    )
    await store.close()
    before = await stored_values(new_settings)
    with pytest.raises(KeyMismatch, match="AGENTSERVER_ENCRYPTION_KEY: .*nothing was changed"):
        await in_thread(rotate_key, new_settings, tmp_path / "new.key")
    assert await stored_values(new_settings) == before


async def test_a_rotation_needs_another_key_and_a_place_for_it(
    new_settings: Settings, tmp_path: Path
) -> None:
    await store_secrets(new_settings)
    with pytest.raises(SettingsError, match="^--new-key-file: is required"):
        await in_thread(rotate_key, new_settings, None)
    same = tmp_path / "same.key"
    same.write_text(KEY)
    with pytest.raises(SettingsError, match="same.key: is the key that is in use already"):
        await in_thread(rotate_key, new_settings, same)
    both = attrs.evolve(new_settings, new_encryption_key=bytes.fromhex(OTHER))
    with pytest.raises(SettingsError, match="^--new-key-file: the new key is given by"):
        await in_thread(rotate_key, both, tmp_path / "new.key")


def test_a_rotation_creates_no_database(tmp_path: Path) -> None:
    settings = Settings.from_environment({}, data_dir=tmp_path)
    with pytest.raises(StoreError, match="there is no such database"):
        rotate_key(settings, None)
    assert not list(tmp_path.iterdir())


async def test_a_start_during_a_rotation_is_refused(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {}, database_url=f"sqlite:///{tmp_path / 'a.db'}", password_cost=CHEAPEST
    )
    await store_secrets(settings)
    pending = pending_of(tmp_path / "secret.key")
    pending.write_text(OTHER)
    with only_server(tmp_path / "a.db"), pytest.raises(DatabaseInUse):
        async with serving(settings):
            pass
    assert pending.exists()
