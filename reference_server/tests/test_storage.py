"""Storage keeps what it is given, in order, on SQLite and on PostgreSQL alike."""

from datetime import UTC, datetime, timedelta

import pytest

from agentserver_reference.domain.errors import Conflict
from agentserver_reference.storage import (
    Store,
    llm_configs,
    llm_usage,
    members,
    quotas,
    sandboxes,
    sessions,
    users,
    workspaces,
)
from agentserver_reference.storage.engine.connection import Connection

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 23, 12, 0, 0, 987654, tzinfo=UTC)


def add_user(conn: Connection, user_id: str, email: str, role: str = "user") -> None:
    users.add(conn, user_id=user_id, email=email, password_hash="hash", role=role, now=NOON)


def add_workspace(conn: Connection, workspace_id: str, *owners: str) -> None:
    workspaces.add(conn, workspace_id=workspace_id, name=f"Name of {workspace_id}", now=NOON)
    for owner in owners:
        members.add(conn, workspace_id=workspace_id, user_id=owner, role="owner", now=NOON)


async def test_a_failed_transaction_leaves_nothing_behind(store: Store) -> None:
    def fail(conn: Connection) -> None:
        add_user(conn, "u", "a@example.com")
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(fail)
    assert await store.read(users.list_all) == []


async def test_the_store_works_on_after_a_refused_duplicate(store: Store) -> None:
    await store.write(add_user, "u1", "a@example.com")
    with pytest.raises(Conflict, match="email already taken"):
        await store.write(add_user, "u2", "a@example.com")
    await store.write(add_user, "u3", "b@example.com")
    assert [user["id"] for user in await store.read(users.list_all)] == ["u1", "u3"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("a@example.com", "A@EXAMPLE.com"), ("ä@example.com", "A\u0308@example.com")],
)
async def test_an_email_is_taken_however_it_is_written(
    store: Store, first: str, second: str
) -> None:
    await store.write(add_user, "u1", first)
    with pytest.raises(Conflict):
        await store.write(add_user, "u2", second)
    found = await store.read(users.find_by_email, f"  {second} ")
    assert found == {"id": "u1", "email": first, "picture": None}


async def test_times_are_utc_text_of_whole_seconds(store: Store) -> None:
    elsewhere = NOON.astimezone(tz=None)
    made = await store.write(workspaces.add, workspace_id="w", name="n", now=elsewhere)
    assert made["created_at"] == "2026-11-23T12:00:00Z"
    assert await store.read(workspaces.find, "w") == made


async def test_lists_keep_the_order_of_one_second(store: Store) -> None:
    ids = [f"{number % 7}-{number}" for number in range(30)]  # not the order of the ids
    for user_id in ids:
        await store.write(add_user, user_id, f"{user_id}@example.com")
    for workspace_id in ids:
        await store.write(add_workspace, workspace_id, ids[0])
    for user_id in ids[1:]:
        await store.write(members.add, workspace_id=ids[0], user_id=user_id, role="guest", now=NOON)
    assert [row["id"] for row in await store.read(users.list_all)] == ids
    assert [row["id"] for row in await store.read(workspaces.list_all)] == ids
    assert [row["id"] for row in await store.read(workspaces.list_of_member, ids[0])] == ids
    assert [row["user_id"] for row in await store.read(members.list_of, ids[0])] == ids


async def test_records_have_plain_string_keys(store: Store) -> None:
    await store.write(add_user, "u", "a@example.com")
    (record,) = await store.read(users.list_all)
    assert {type(key) for key in record} == {str}


async def test_a_session_lives_until_its_second_of_expiry(store: Store) -> None:
    await store.write(add_user, "u", "a@example.com", "admin")
    end = NOON + timedelta(days=7)
    await store.write(sessions.add, token_hash="t", user_id="u", now=NOON, expires_at=end)
    last_moment = end - timedelta(seconds=1)
    assert await store.read(sessions.find_owner, "t", last_moment) == ("u", "admin", None)
    assert await store.read(sessions.find_owner, "t", end) is None
    assert await store.read(sessions.find_owner, "another", NOON) is None


async def test_a_workspace_takes_everything_along(store: Store) -> None:
    await store.write(add_user, "u", "a@example.com")
    await store.write(add_workspace, "w", "u")
    await store.write(
        sandboxes.add,
        sandbox_id="s",
        workspace_id="w",
        name="n",
        type="opencode",
        status="running",
        is_local=False,
        now=NOON,
    )
    await store.write(quotas.set_of_workspace, "w", dict.fromkeys(LIMITS, 3), NOON)
    await store.write(llm_usage.set_quota, "w", 5, NOON)
    await store.write(llm_usage.record, "w", NOON)
    await store.write(
        llm_configs.store,
        "w",
        base_url="https://example.com",
        api_key_encrypted="sealed",
        models=[{"id": "m", "name": "M"}],
        now=NOON,
    )

    await store.write(workspaces.remove, "w")

    assert await store.read(workspaces.find, "w") is None
    assert await store.read(members.role_of, "w", "u") is None
    assert await store.read(sandboxes.list_all) == []
    assert await store.read(quotas.of_workspace, "w") is None
    assert await store.read(llm_usage.quota, "w") is None
    assert await store.read(llm_usage.count_since, "w", NOON) == 0
    assert await store.read(llm_configs.find, "w") is None
    assert await store.read(users.find, "u") is not None


LIMITS = (
    "max_sandboxes",
    "max_sandbox_cpu",
    "max_sandbox_memory",
    "max_idle_timeout",
    "max_total_cpu",
    "max_total_memory",
    "max_drive_size",
)


async def test_a_workspace_is_listed_once_with_its_oldest_owner(store: Store) -> None:
    for user_id in ("young", "old"):
        await store.write(add_user, user_id, f"{user_id}@example.com")
    await store.write(add_workspace, "w", "old", "young")
    await store.write(add_workspace, "orphan")
    owned, orphan = await store.read(workspaces.list_all)
    assert (owned["owner_id"], owned["owner_email"]) == ("old", "old@example.com")
    assert (orphan["owner_id"], orphan["owner_email"]) == (None, None)


async def test_an_override_is_replaced_and_removed(store: Store) -> None:
    await store.write(add_user, "u", "a@example.com")
    await store.write(quotas.set_of_user, "u", 3, NOON)
    await store.write(quotas.set_of_user, "u", None, NOON + timedelta(hours=1))
    assert await store.read(quotas.of_user, "u") == {
        "max_workspaces": None,
        "updated_at": "2026-11-23T13:00:00Z",
    }
    await store.write(quotas.delete_of_user, "u")
    assert await store.read(quotas.of_user, "u") is None


async def test_settings_are_stored_together(store: Store) -> None:
    await store.write(quotas.store_settings, {"a": "1", "b": "2"})
    await store.write(quotas.store_settings, {"b": "3", "c": "4"})
    assert await store.read(quotas.stored_settings) == {"a": "1", "b": "3", "c": "4"}


async def test_models_come_back_in_order_with_every_character(store: Store) -> None:
    models = [{"id": "z", "name": 'Größe 😀 \\ "'}, {"id": "a", "name": "A"}]
    await store.write(add_workspace, "w")
    await store.write(
        llm_configs.store,
        "w",
        base_url="https://example.com",
        api_key_encrypted="sealed",
        models=models,
        now=NOON,
    )
    found = await store.read(llm_configs.find, "w")
    assert found is not None
    assert found["models"] == models


async def test_bytes_of_the_largest_size_fit(store: Store) -> None:
    await store.write(add_workspace, "w")
    limits = dict.fromkeys(LIMITS, 2**31 - 1) | {"max_drive_size": 2**53 - 1}
    await store.write(quotas.set_of_workspace, "w", limits, NOON)
    found = await store.read(quotas.of_workspace, "w")
    assert found == limits | {"updated_at": "2026-11-23T12:00:00Z"}
