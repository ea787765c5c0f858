"""Workspaces, over HTTP, on both databases."""

import pytest
from people import ReferenceServer, error_of, ok, start_server

from agentserver_reference.settings import Settings
from agentserver_reference.storage import sandboxes

pytestmark = pytest.mark.anyio

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


async def test_a_created_workspace_is_its_makers_and_is_listed_last(
    server: ReferenceServer,
) -> None:
    alice = await server.create_user("alice@example.com")
    created = ok(await alice.request("POST", "/api/workspaces", {"name": "Größe 😀 <&>"}))
    workspace = created.json()
    assert created.status_code == 201
    assert workspace["name"] == "Größe 😀 <&>"
    assert workspace["created_at"] == workspace["updated_at"] == "2026-11-23T10:00:00Z"
    assert await alice.read(f"/api/workspaces/{workspace['id']}") == workspace
    assert (await alice.read("/api/workspaces"))[-1] == workspace
    (member,) = await alice.read(f"/api/workspaces/{workspace['id']}/members")
    assert (member["user_id"], member["role"]) == (alice.id, "owner")


async def test_names_need_not_be_unique(server: ReferenceServer) -> None:
    alice = await server.create_user("alice@example.com")
    assert await alice.create_workspace("same") != await alice.create_workspace("same")


@pytest.mark.parametrize("workspace_id", [UNKNOWN_ID, "no%00where", "%FF", "x" * 4000, "a%2Fb"])
async def test_an_id_that_is_no_workspace_is_refused_as_to_an_outsider(
    server: ReferenceServer, workspace_id: str
) -> None:
    alice = await server.create_user("alice@example.com")
    refused = await alice.get(f"/api/workspaces/{workspace_id}")
    assert error_of(refused) == (403, "not a workspace member")


async def test_workspaces_of_others_are_hidden(server: ReferenceServer) -> None:
    admin, bob = (
        await server.create_user("admin@example.com"),
        await server.create_user("bob@example.com"),
    )
    hidden = await bob.create_workspace()
    assert hidden not in [shown["id"] for shown in await admin.read("/api/workspaces")]
    refused = await admin.get(f"/api/workspaces/{hidden}")
    assert error_of(refused) == (403, "not a workspace member")


async def test_renaming_moves_updated_at_and_nothing_else(server: ReferenceServer) -> None:
    alice = await server.create_user("alice@example.com")
    path = f"/api/workspaces/{await alice.create_workspace('before')}"
    before = await alice.read(path)
    server.clock.advance(minutes=5)
    renamed = ok(await alice.request("PATCH", path, {"name": "after"})).json()
    assert renamed == before | {"name": "after", "updated_at": "2026-11-23T10:05:00Z"}
    assert await alice.read(path) == renamed


async def test_a_deleted_workspace_is_unknown_to_everybody(server: ReferenceServer) -> None:
    alice, bob = (
        await server.create_user("alice@example.com"),
        await server.create_user("bob@example.com"),
    )
    path = f"/api/workspaces/{await alice.create_workspace()}"
    ok(await alice.request("POST", f"{path}/members", {"email": bob.email, "role": "guest"}))
    deleted = ok(await alice.request("DELETE", path))
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert error_of(await alice.request("DELETE", path)) == (403, "not a workspace member")
    assert error_of(await bob.get(path)) == (403, "not a workspace member")
    assert len(await bob.read("/api/workspaces")) == 1


async def test_the_quota_counts_what_one_owns_and_refuses_one_more(server: ReferenceServer) -> None:
    admin, bob = (
        await server.create_user("admin@example.com"),
        await server.create_user("bob@example.com"),
    )
    ok(await admin.request("PUT", "/api/admin/quotas/defaults", {"max_workspaces_per_user": 2}))
    await bob.create_workspace()
    refused = await bob.request("POST", "/api/workspaces", {"name": "one more"})
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/json"
    assert refused.json() == {
        "error": "quota_exceeded",
        "message": "Workspace limit reached (2/2). Ask an administrator for a higher quota.",
        "quota": {"current": 2, "max": 2},
    }
    assert len(await bob.read("/api/workspaces")) == 2

    ok(await admin.request("PUT", f"/api/admin/users/{bob.id}/quota", {"max_workspaces": 3}))
    assert await bob.read("/api/workspaces/quota") == {"current": 2, "max": 3}
    await bob.create_workspace()

    ok(await admin.request("PUT", f"/api/admin/users/{bob.id}/quota", {"max_workspaces": 0}))
    await bob.create_workspace()


async def test_being_made_owner_does_not_count_against_the_limit(server: ReferenceServer) -> None:
    admin, bob = (
        await server.create_user("admin@example.com"),
        await server.create_user("bob@example.com"),
    )
    ok(await admin.request("PUT", "/api/admin/quotas/defaults", {"max_workspaces_per_user": 1}))
    ok(await admin.request("PUT", f"/api/admin/users/{admin.id}/quota", {"max_workspaces": 9}))
    path = f"/api/workspaces/{await admin.create_workspace()}/members"
    ok(await admin.request("POST", path, {"email": bob.email, "role": "owner"}))
    assert await bob.read("/api/workspaces/quota") == {"current": 2, "max": 1}
    refused = await bob.request("POST", "/api/workspaces", {"name": "one more"})
    assert refused.json()["quota"] == {"current": 2, "max": 1}


async def test_the_defaults_are_the_installations_overlaid_by_the_override(
    settings: Settings,
) -> None:
    environment = {"QUOTA_DEFAULT_SANDBOX_CPU": "1.5", "IDLE_TIMEOUT": "30m"}
    async with start_server(settings, quota_environment=environment) as server:
        admin = await server.create_user("admin@example.com")
        workspace_id = await admin.create_workspace()
        override = {"max_sandboxes": 0, "max_sandbox_memory": 512}
        ok(await admin.request("PUT", f"/api/admin/workspaces/{workspace_id}/quota", override))
        for number, (status, is_local) in enumerate(
            [("running", False), ("paused", False), ("offline", False), ("running", True)]
        ):
            await server.store.write(
                sandboxes.add,
                sandbox_id=f"s{number}",
                workspace_id=workspace_id,
                name="A sandbox",
                type="opencode",
                status=status,
                is_local=is_local,
                now=server.clock(),
            )
        assert await admin.read(f"/api/workspaces/{workspace_id}/defaults") == {
            "max_sandbox_cpu": 1500,
            "max_sandbox_memory": 512,
            "max_idle_timeout": 1800,
            "max_sandboxes": 0,
            "current_sandboxes": 3,  # an agent's own machine is none of them
        }
