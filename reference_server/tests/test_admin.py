"""What an administrator sees and sets, over HTTP, on both databases."""

import attrs
import pytest
from people import ReferenceServer, User, error_of, ok, start_server

from agentserver_reference.settings import Settings
from agentserver_reference.storage import sandboxes

pytestmark = pytest.mark.anyio

UNKNOWN_IDS = ["00000000-0000-4000-8000-000000000000", "no%00where", "%FF"]

BUILT_IN = {
    "max_workspaces_per_user": 10,
    "max_sandboxes_per_workspace": 20,
    "max_workspace_drive_size": 10737418240,
    "max_sandbox_cpu": 2000,
    "max_sandbox_memory": 2147483648,
    "max_idle_timeout": 1800,
    "ws_max_total_cpu": 0,
    "ws_max_total_memory": 0,
    "ws_max_idle_timeout": 0,
}
WORKSPACE_DEFAULTS = {
    "max_sandboxes": 20,
    "max_sandbox_cpu": 2000,
    "max_sandbox_memory": 2147483648,
    "max_idle_timeout": 1800,
    "max_total_cpu": 0,
    "max_total_memory": 0,
    "max_drive_size": 10737418240,
}
NO_OVERRIDE = dict.fromkeys(WORKSPACE_DEFAULTS)


@attrs.frozen
class Two:
    """An administrator and a user, and a workspace of the user."""

    admin: User
    bob: User
    workspace_id: str

    @property
    def user_quota(self) -> str:
        """The path of bob's quota."""
        return f"/api/admin/users/{self.bob.id}/quota"

    @property
    def workspace(self) -> str:
        """The administrator's path of bob's workspace."""
        return f"/api/admin/workspaces/{self.workspace_id}"


@pytest.fixture
async def two(server: ReferenceServer) -> Two:
    admin, bob = (
        await server.create_user("admin@example.com"),
        await server.create_user("bob@example.com"),
    )
    return Two(admin, bob, await bob.create_workspace("Bob's"))


async def test_every_account_is_listed_oldest_first(two: Two) -> None:
    assert await two.admin.read("/api/admin/users") == [
        {
            "id": person.id,
            "email": person.email,
            "name": None,
            "role": role,
            "created_at": "2026-11-23T10:00:00Z",
        }
        for person, role in ((two.admin, "admin"), (two.bob, "user"))
    ]


async def test_an_administrator_is_made_and_unmade_from_the_next_request_on(two: Two) -> None:
    role = f"/api/admin/users/{two.bob.id}/role"
    assert error_of(await two.bob.get("/api/admin/users")) == (403, "forbidden")
    assert (await two.admin.request("PUT", role, {"role": "admin"})).status_code == 204
    ok(await two.bob.get("/api/admin/users"))
    ok(await two.bob.request("PUT", f"/api/admin/users/{two.admin.id}/role", {"role": "user"}))
    assert error_of(await two.admin.get("/api/admin/users")) == (403, "forbidden")


async def test_the_last_administrator_stays_one(two: Two) -> None:
    myself = f"/api/admin/users/{two.admin.id}/role"
    refused = await two.admin.request("PUT", myself, {"role": "user"})
    assert error_of(refused) == (409, "the installation must keep an administrator")
    ok(await two.admin.request("PUT", myself, {"role": "admin"}))
    ok(await two.admin.get("/api/admin/users"))


@pytest.mark.parametrize("unknown", UNKNOWN_IDS)
@pytest.mark.parametrize(
    ("method", "path", "body", "line"),
    [
        ("PUT", "users/{}/role", {"role": "user"}, "user not found"),
        ("GET", "users/{}/quota", None, "user not found"),
        ("PUT", "users/{}/quota", {"max_workspaces": 1}, "user not found"),
        ("DELETE", "users/{}/quota", None, "user not found"),
        ("GET", "workspaces/{}/quota", None, "workspace not found"),
        ("PUT", "workspaces/{}/quota", {"max_sandboxes": 1}, "workspace not found"),
        ("DELETE", "workspaces/{}/quota", None, "workspace not found"),
        ("GET", "workspaces/{}/llm-quota", None, "workspace not found"),
        ("PUT", "workspaces/{}/llm-quota", {"max_rpd": 1}, "workspace not found"),
        ("DELETE", "workspaces/{}/llm-quota", None, "workspace not found"),
    ],
)
async def test_unknown_users_and_workspaces_are_not_found(
    server: ReferenceServer, unknown: str, method: str, path: str, body: object, line: str
) -> None:
    admin = await server.create_user("admin@example.com")
    refused = await admin.request(method, f"/api/admin/{path.format(unknown)}", body)
    assert error_of(refused) == (404, line)


async def test_a_users_override_is_replaced_each_time(server: ReferenceServer, two: Two) -> None:
    default = {"max_workspaces_per_user": 10}
    assert await two.admin.read(two.user_quota) == {"defaults": default, "overrides": None}
    for body, kept in (
        ({"max_workspaces": 30}, 30),
        ({"max_workspaces": 0}, 0),
        ({"max_workspaces": None}, None),
        ({"max_workspaces": 4}, 4),
        ({}, None),
    ):
        server.clock.advance(seconds=1)
        assert (await two.admin.request("PUT", two.user_quota, body)).status_code == 204
        moment = server.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        assert await two.admin.read(two.user_quota) == {
            "defaults": default,
            "overrides": {"max_workspaces": kept, "updated_at": moment},
        }
    for _ in range(2):
        assert (await two.admin.request("DELETE", two.user_quota)).status_code == 204
    assert await two.admin.read(two.user_quota) == {"defaults": default, "overrides": None}


async def test_a_workspaces_override_is_merged_and_cleared_whole(
    server: ReferenceServer, two: Two
) -> None:
    path = f"{two.workspace}/quota"
    nothing = {"defaults": WORKSPACE_DEFAULTS, "overrides": None}
    assert await two.admin.read(path) == nothing

    expected: dict[str, object] = dict(NO_OVERRIDE)
    for change in (
        {},
        {"max_sandboxes": 5},
        {"max_drive_size": 2**53 - 1, "max_sandboxes": None},
        {"max_sandboxes": 0, "max_total_cpu": 2**31 - 1},
    ):
        server.clock.advance(seconds=1)
        assert (await two.admin.request("PUT", path, change)).status_code == 204
        expected |= {name: value for name, value in change.items() if value is not None}
        expected["updated_at"] = server.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (await two.admin.read(path))["overrides"] == expected, change

    for _ in range(2):
        assert (await two.admin.request("DELETE", path)).status_code == 204
    assert await two.admin.read(path) == nothing


async def test_the_defaults_are_set_whole_and_shown_as_they_are_then(two: Two) -> None:
    path = "/api/admin/quotas/defaults"
    assert await two.admin.read(path) == BUILT_IN
    change = {"max_workspaces_per_user": 0, "max_idle_timeout": 60}
    answered = ok(await two.admin.request("PUT", path, change)).json()
    expected = BUILT_IN | {"max_workspaces_per_user": 0, "max_idle_timeout": 60}
    assert answered == expected
    assert await two.admin.read(path) == expected
    assert ok(await two.admin.request("PUT", path, {})).json() == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_sandboxes_per_workspace": -1},
        {"ws_max_total_cpu": 2**31},
        {"max_sandbox_cpu": "1"},
        {"max_sandbox_memory": None},
    ],
)
async def test_one_wrong_default_leaves_all_as_they_were(
    two: Two, wrong: dict[str, object]
) -> None:
    path = "/api/admin/quotas/defaults"
    refused = await two.admin.request("PUT", path, {"max_workspaces_per_user": 3} | wrong)
    status, line = error_of(refused)
    assert status == 400
    assert line.startswith(f"{next(iter(wrong))}: "), line
    assert await two.admin.read(path) == BUILT_IN


async def test_what_is_stored_beats_the_environment(settings: Settings) -> None:
    environment = {"QUOTA_MAX_WORKSPACES_PER_USER": "3", "USER_DRIVE_SIZE": "1Gi"}
    path = "/api/admin/quotas/defaults"
    async with start_server(settings, quota_environment=environment) as server:
        admin = await server.create_user("admin@example.com")
        expected = BUILT_IN | {"max_workspaces_per_user": 3, "max_workspace_drive_size": 2**30}
        assert await admin.read(path) == expected
        ok(await admin.request("PUT", path, {"max_workspaces_per_user": 4}))
        assert await admin.read(path) == expected | {"max_workspaces_per_user": 4}


async def test_every_workspace_is_listed_once_with_its_oldest_owner(
    server: ReferenceServer, two: Two
) -> None:
    members = f"/api/workspaces/{two.workspace_id}/members"
    ok(await two.bob.request("POST", members, {"email": two.admin.email, "role": "owner"}))
    ok(await two.admin.request("PUT", f"{two.workspace}/quota", {"max_sandboxes": 0}))
    await add_sandbox(server, two.workspace_id, "s")
    listed = await two.admin.read("/api/admin/workspaces")
    assert [row["name"] for row in listed] == ["Default workspace"] * 2 + ["Bob's"]
    assert listed[2] == {
        "id": two.workspace_id,
        "name": "Bob's",
        "created_at": "2026-11-23T10:00:00Z",
        "updated_at": "2026-11-23T10:00:00Z",
        "owner": {"id": two.bob.id, "email": two.bob.email, "name": None, "picture": None},
        "sandbox_count": 1,
        "max_sandboxes": 0,
    }
    assert (listed[0]["sandbox_count"], listed[0]["max_sandboxes"]) == (0, 20)


async def add_sandbox(
    server: ReferenceServer, workspace_id: str, sandbox_id: str, **fields: object
) -> None:
    values = {
        "name": "A sandbox",
        "type": "opencode",
        "status": "running",
        "is_local": False,
        "now": server.clock(),
    }
    await server.store.write(
        sandboxes.add, sandbox_id=sandbox_id, workspace_id=workspace_id, **values | fields
    )


async def test_a_sandbox_without_activity_leaves_the_field_out(
    server: ReferenceServer, two: Two
) -> None:
    assert await two.admin.read("/api/admin/sandboxes") == []
    await add_sandbox(server, two.workspace_id, "z", last_activity_at=server.clock())
    await add_sandbox(server, two.workspace_id, "a", is_local=True, status="offline")
    active, quiet = await two.admin.read("/api/admin/sandboxes")
    assert active == {
        "id": "z",
        "name": "A sandbox",
        "workspace_id": two.workspace_id,
        "type": "opencode",
        "status": "running",
        "created_at": "2026-11-23T10:00:00Z",
        "is_local": False,
        "last_activity_at": "2026-11-23T10:00:00Z",
    }
    assert (quiet["id"], quiet["is_local"]) == ("a", True)
    assert "last_activity_at" not in quiet
