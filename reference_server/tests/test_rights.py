"""A caller who loses a permission during a call does not change anything with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import attrs
import httpx
import pytest
from databases import CHEAPEST, KEY
from people import ReferenceServer, User, error_of, ok, start_server

from agentserver_reference.settings import Settings

pytestmark = pytest.mark.anyio

SECONDS = 30
"""The timeout of each step, in seconds."""

CONFIG = {"base_url": "https://a.example", "api_key": "k", "models": [{"id": "m", "name": "M"}]}


@attrs.frozen
class Team:
    """A workspace with two owners and a maintainer, and an installation with two administrators."""

    admin: User
    second_admin: User
    owner: User
    second_owner: User
    maintainer: User
    outsider: User
    workspace_id: str

    def fill(self, text: str) -> str:
        """A path in which `{owner}` stands for a person's id, and `{workspace}` for the path."""
        people = attrs.asdict(self, recurse=False)
        workspace_id = people.pop("workspace_id")
        ids = {name: person.id for name, person in people.items()}
        workspace = f"/api/workspaces/{workspace_id}"
        return text.format(workspace=workspace, workspace_id=workspace_id, **ids)

    async def request(self, call: "Sent") -> httpx.Response:
        person: User = getattr(self, call.who)
        body = call.body and {
            key: self.fill(value) if isinstance(value, str) else value
            for key, value in call.body.items()
        }
        return await person.request(call.method, self.fill(call.path), body)

    async def everything(self) -> Any:
        """Everything that the API shows about the workspace and the accounts."""
        workspace = f"/api/workspaces/{self.workspace_id}"
        return (
            [await self.owner.read(workspace + rest) for rest in ("", "/members", "/llm-config")],
            await self.admin.read("/api/admin/users"),
            await self.admin.read(f"/api/admin/workspaces/{self.workspace_id}/quota"),
            await self.admin.read(f"/api/admin/workspaces/{self.workspace_id}/llm-quota"),
            await self.admin.read(f"/api/admin/users/{self.outsider.id}/quota"),
            await self.admin.read("/api/admin/quotas/defaults"),
        )


@attrs.frozen
class Sent:
    """A request: who sends what."""

    who: str
    method: str
    path: str
    body: dict[str, Any] | None = None


DEMOTE_OWNER = Sent("owner", "PUT", "{workspace}/members/{second_owner}", {"role": "guest"})
REMOVE_OWNER = Sent("owner", "DELETE", "{workspace}/members/{second_owner}")
REMOVE_MAINTAINER = Sent("owner", "DELETE", "{workspace}/members/{maintainer}")
DEMOTE_MAINTAINER = Sent("owner", "PUT", "{workspace}/members/{maintainer}", {"role": "guest"})
PROMOTE_MAINTAINER = Sent("owner", "PUT", "{workspace}/members/{maintainer}", {"role": "owner"})
DEMOTE_ADMIN = Sent("admin", "PUT", "/api/admin/users/{second_admin}/role", {"role": "user"})

TOO_LOW = (403, "insufficient permissions")
NO_MEMBER = (403, "not a workspace member")
NO_ADMIN = (403, "forbidden")

IN_WORKSPACE = {
    "a demoted owner demotes the one who demoted them": (
        DEMOTE_OWNER,
        Sent("second_owner", "PUT", "{workspace}/members/{owner}", {"role": "guest"}),
        TOO_LOW,
    ),
    "a demoted owner makes another owner": (
        DEMOTE_OWNER,
        Sent("second_owner", "PUT", "{workspace}/members/{maintainer}", {"role": "owner"}),
        TOO_LOW,
    ),
    "a removed maintainer renames": (
        REMOVE_MAINTAINER,
        Sent("maintainer", "PATCH", "{workspace}", {"name": "renamed"}),
        NO_MEMBER,
    ),
    "a demoted maintainer renames": (
        DEMOTE_MAINTAINER,
        Sent("maintainer", "PATCH", "{workspace}", {"name": "renamed"}),
        TOO_LOW,
    ),
    "a removed maintainer adds a member": (
        REMOVE_MAINTAINER,
        Sent("maintainer", "POST", "{workspace}/members", {"email": "outsider@example.com"}),
        NO_MEMBER,
    ),
    "a removed maintainer sets the language-model endpoint": (
        REMOVE_MAINTAINER,
        Sent("maintainer", "PUT", "{workspace}/llm-config", CONFIG),
        NO_MEMBER,
    ),
    "a removed maintainer removes the language-model endpoint": (
        REMOVE_MAINTAINER,
        Sent("maintainer", "DELETE", "{workspace}/llm-config"),
        NO_MEMBER,
    ),
    "a removed owner removes the one who removed them": (
        REMOVE_OWNER,
        Sent("second_owner", "DELETE", "{workspace}/members/{owner}"),
        NO_MEMBER,
    ),
    "a removed owner deletes the workspace": (
        REMOVE_OWNER,
        Sent("second_owner", "DELETE", "{workspace}"),
        NO_MEMBER,
    ),
}

IN_INSTALLATION = {
    "a demoted administrator makes another one": (
        DEMOTE_ADMIN,
        Sent("second_admin", "PUT", "/api/admin/users/{outsider}/role", {"role": "admin"}),
        NO_ADMIN,
    ),
    "a demoted administrator demotes the one who demoted them": (
        DEMOTE_ADMIN,
        Sent("second_admin", "PUT", "/api/admin/users/{admin}/role", {"role": "user"}),
        NO_ADMIN,
    ),
    "a demoted administrator sets a user's quota": (
        DEMOTE_ADMIN,
        Sent("second_admin", "PUT", "/api/admin/users/{outsider}/quota", {"max_workspaces": 99}),
        NO_ADMIN,
    ),
    "a demoted administrator sets the installation's limits": (
        DEMOTE_ADMIN,
        Sent("second_admin", "PUT", "/api/admin/quotas/defaults", {"max_workspaces_per_user": 99}),
        NO_ADMIN,
    ),
}

BY_GATEWAY = {
    "a demoted administrator sets a language-model limit": (
        DEMOTE_ADMIN,
        Sent(
            "second_admin",
            "PUT",
            "/api/admin/workspaces/{workspace_id}/llm-quota",
            {"max_rpd": 99},
        ),
        NO_ADMIN,
    ),
}


async def assemble(server: ReferenceServer) -> Team:
    """Create the team."""
    people = {}
    for name in ("admin", "second_admin", "owner", "second_owner", "maintainer", "outsider"):
        people[name] = await server.create_user(f"{name}@example.com")
    role = f"/api/admin/users/{people['second_admin'].id}/role"
    ok(await people["admin"].request("PUT", role, {"role": "admin"}))
    workspace_id = await people["owner"].create_workspace("as it was")
    for name, role in (("second_owner", "owner"), ("maintainer", "maintainer")):
        member = {"email": f"{name}@example.com", "role": role}
        ok(await people["owner"].request("POST", f"/api/workspaces/{workspace_id}/members", member))
    return Team(workspace_id=workspace_id, **people)


# PostgreSQL: both calls wait for the same row, in an order that the database keeps.


@attrs.frozen
class Queue:
    """A row that the test has locked. Other transactions wait for it and get it in their order."""

    observer: asyncpg.Connection
    """Not in a transaction, because PostgreSQL shows an outdated activity inside of one."""
    tasks: asyncio.TaskGroup

    async def join(self, call: Any) -> asyncio.Task[httpx.Response]:
        """Start a call, and return when the database reports that it waits for the row."""
        before = await self._waiting()
        task = self.tasks.create_task(call)
        async with asyncio.timeout(SECONDS):
            while await self._waiting() == before:
                assert not task.done(), f"it did not wait for the row: {(await task).text}"
        return task

    async def _waiting(self) -> int:
        waiting: int = await self.observer.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return waiting


@asynccontextmanager
async def locked(url: str, statement: str, *values: str) -> AsyncIterator[Queue]:
    """Lock what `statement` selects until the end of the block, when the waiting calls continue."""
    holder, observer = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with asyncio.TaskGroup() as tasks, holder.transaction():
            await holder.fetchrow(f"{statement} FOR UPDATE", *values)
            yield Queue(observer, tasks)
    finally:
        await holder.close()
        await observer.close()


@asynccontextmanager
async def on_postgresql(url: str, folder: Path) -> AsyncIterator[Team]:
    settings = Settings.from_environment(
        {}, database_url=url, data_dir=folder, encryption_key=KEY, password_cost=CHEAPEST
    )
    async with start_server(settings) as server:
        yield await assemble(server)


WAITING = {
    **{name: ("workspace", *case) for name, case in IN_WORKSPACE.items()},
    **{name: ("installation", *case) for name, case in IN_INSTALLATION.items()},
}


@pytest.mark.parametrize(("row", "first", "late", "refusal"), WAITING.values(), ids=WAITING)
async def test_a_permission_lost_while_waiting_for_a_lock_no_longer_counts(
    postgres_url: str,
    tmp_path: Path,
    row: str,
    first: Sent,
    late: Sent,
    refusal: tuple[int, str],
) -> None:
    await lose_while_waiting(postgres_url, postgres_url, tmp_path, row, first, late, refusal)


@pytest.mark.parametrize("name", [next(iter(IN_WORKSPACE)), next(iter(IN_INSTALLATION))])
async def test_a_permission_lost_while_waiting_behind_a_pooler_no_longer_counts(
    pgbouncer_url: str, new_postgres_url: str, tmp_path: Path, name: str
) -> None:
    await lose_while_waiting(pgbouncer_url, new_postgres_url, tmp_path, *WAITING[name])


async def lose_while_waiting(
    url: str,
    database: str,
    folder: Path,
    row: str,
    first: Sent,
    late: Sent,
    refusal: tuple[int, str],
) -> None:
    """Let both calls wait for the same row of `database`, where the server is at `url`."""
    async with on_postgresql(url, folder) as team:
        lock = {
            "workspace": ("SELECT id FROM workspaces WHERE id = $1", team.workspace_id),
            "installation": ("SELECT id FROM installation",),
        }[row]
        async with locked(database, *lock) as queue:
            taken_away = await queue.join(team.request(first))
            too_late = await queue.join(team.request(late))
        ok(await taken_away)
        after_the_first = await team.everything()
        assert error_of(await too_late) == refusal
        assert await team.everything() == after_the_first


RENAME_BY_OWNER = Sent("second_owner", "PATCH", "{workspace}", {"name": "renamed"})
RENAME_BY_MAINTAINER = Sent("maintainer", "PATCH", "{workspace}", {"name": "renamed"})


@pytest.mark.parametrize(
    ("first", "renaming"),
    [
        (REMOVE_MAINTAINER, RENAME_BY_OWNER),
        (PROMOTE_MAINTAINER, RENAME_BY_MAINTAINER),
        (Sent("owner", "PATCH", "{workspace}", {"name": "first"}), RENAME_BY_OWNER),
    ],
    ids=["another one is removed", "with a higher role", "after another change"],
)
async def test_a_call_that_waited_and_kept_its_permission_succeeds(
    postgres_url: str, tmp_path: Path, first: Sent, renaming: Sent
) -> None:
    async with on_postgresql(postgres_url, tmp_path) as team:
        lock = ("SELECT id FROM workspaces WHERE id = $1", team.workspace_id)
        async with locked(postgres_url, *lock) as queue:
            earlier = await queue.join(team.request(first))
            later = await queue.join(team.request(renaming))
        ok(await earlier)
        assert ok(await later).json()["name"] == "renamed"
        assert (await team.owner.read(team.fill("{workspace}")))["name"] == "renamed"


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
@pytest.mark.parametrize(
    ("first", "refusal"),
    [(REMOVE_MAINTAINER, NO_MEMBER), (PROMOTE_MAINTAINER, None)],
    ids=["lost", "kept"],
)
async def test_permissions_do_not_depend_on_the_isolation_level_of_the_database(
    new_postgres_url: str, tmp_path: Path, level: str, first: Sent, refusal: tuple[int, str] | None
) -> None:
    database = urlsplit(new_postgres_url).path.removeprefix("/")
    connection = await asyncpg.connect(new_postgres_url)
    await connection.execute(
        f"ALTER DATABASE {database} SET default_transaction_isolation = '{level}'"
    )
    await connection.close()
    async with on_postgresql(new_postgres_url, tmp_path) as team:
        lock = ("SELECT id FROM workspaces WHERE id = $1", team.workspace_id)
        async with locked(new_postgres_url, *lock) as queue:
            earlier = await queue.join(team.request(first))
            later = await queue.join(team.request(RENAME_BY_MAINTAINER))
        ok(await earlier)
        if refusal is None:
            ok(await later)
        else:
            assert error_of(await later) == refusal


# Both databases: the permission is lost while the body is being sent.

LOGGED_OUT = {
    "a maintainer who has logged out renames": (
        Sent("maintainer", "POST", "/api/auth/logout"),
        RENAME_BY_MAINTAINER,
        (401, "unauthorized"),
    )
}

WITH_BODY = {
    name: case
    for name, case in (IN_WORKSPACE | IN_INSTALLATION | BY_GATEWAY | LOGGED_OUT).items()
    if case[1].body is not None
}


@pytest.mark.parametrize(("first", "late", "refusal"), WITH_BODY.values(), ids=WITH_BODY)
async def test_a_permission_lost_while_sending_a_body_no_longer_counts(
    server: ReferenceServer, first: Sent, late: Sent, refusal: tuple[int, str]
) -> None:
    team = await assemble(server)
    asked_for_body, permission_lost = asyncio.Event(), asyncio.Event()
    content = httpx.Request("POST", "http://any", json=late.body).content

    async def body() -> AsyncIterator[bytes]:
        # The server reads the body only after it has checked the permission.
        asked_for_body.set()
        await permission_lost.wait()
        yield content

    person: User = getattr(team, late.who)
    request = server.client.build_request(
        late.method,
        team.fill(late.path),
        content=body(),
        headers={"Cookie": person.cookie, "Content-Type": "application/json"},
    )
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        too_late = tasks.create_task(server.client.send(request))
        await asked_for_body.wait()
        ok(await team.request(first))
        after_the_first = await team.everything()
        permission_lost.set()
    assert error_of(await too_late) == refusal
    assert await team.everything() == after_the_first
