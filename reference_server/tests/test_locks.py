"""Rows are always locked in the same order, and a missing row is reported."""

from datetime import UTC, datetime

import pytest

from agentserver_reference.storage import Store, users, workspaces
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.locks import Lock

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def peopled(store: Store) -> Store:
    """A database with a user `u` and a workspace `w`."""

    def add(conn: Connection) -> None:
        users.add(
            conn, user_id="u", email="u@example.com", password_hash="h", role="user", now=NOON
        )
        workspaces.add(conn, workspace_id="w", name="W", now=NOON)

    await store.write(add)
    return store


@pytest.mark.parametrize(
    ("lock", "missing"),
    [
        (Lock(), None),
        (Lock(installation=True), None),
        (Lock(user="u", workspace="w"), None),
        (Lock(user="u", workspace="unknown"), "workspace"),
        (Lock(user="unknown", workspace="w"), "user"),
        (Lock(user="unknown", workspace="unknown"), "user"),
    ],
)
async def test_a_row_that_does_not_exist_is_named(
    peopled: Store, lock: Lock, missing: str | None
) -> None:
    assert await peopled.write(lock.take) == missing


async def test_rows_are_locked_from_the_installation_down(
    peopled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables: list[str] = []
    execute = Connection.execute

    def noted(self: Connection, statement: object, *values: object) -> object:
        tables.append(str(statement).partition("FROM ")[2].split()[0])
        return execute(self, statement, *values)

    monkeypatch.setattr(Connection, "execute", noted)
    await peopled.write((Lock(workspace="w") | Lock(user="u") | Lock(installation=True)).take)
    assert tables == ["installation", "users", "workspaces"]


def test_locks_are_joined_into_one() -> None:
    joined = Lock(workspace="w") | Lock(installation=True, workspace="w") | Lock(user="u")
    assert joined == Lock(installation=True, user="u", workspace="w")


@pytest.mark.parametrize("kind", ["user", "workspace"])
def test_two_rows_of_one_kind_have_no_order(kind: str) -> None:
    with pytest.raises(ValueError, match="cannot lock both a and b: they have no order"):
        Lock(**{kind: "a"}) | Lock(**{kind: "b"})
