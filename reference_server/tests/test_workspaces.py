"""Workspaces, over HTTP, on both databases."""

import pytest
from people import House, ok, open_house, said

from agentserver_reference.settings import Settings
from agentserver_reference.storage import sandboxes

pytestmark = pytest.mark.anyio

NOBODYS = "00000000-0000-4000-8000-000000000000"


async def test_a_created_workspace_is_its_makers_and_is_listed_last(house: House) -> None:
    alice = await house.join("alice@example.com")
    created = ok(await alice.ask("POST", "/api/workspaces", {"name": "Größe 😀 <&>"}))
    workspace = created.json()
    assert created.status_code == 201
    assert workspace["name"] == "Größe 😀 <&>"
    assert workspace["created_at"] == workspace["updated_at"] == "2026-11-23T10:00:00Z"
    assert await alice.read(f"/api/workspaces/{workspace['id']}") == workspace
    assert (await alice.read("/api/workspaces"))[-1] == workspace
    (member,) = await alice.read(f"/api/workspaces/{workspace['id']}/members")
    assert (member["user_id"], member["role"]) == (alice.id, "owner")


async def test_names_need_not_be_unique(house: House) -> None:
    alice = await house.join("alice@example.com")
    assert await alice.create_workspace("same") != await alice.create_workspace("same")


@pytest.mark.parametrize("workspace_id", [NOBODYS, "no%00where", "%FF", "x" * 4000, "a%2Fb"])
async def test_an_id_that_is_no_workspace_is_refused_as_to_an_outsider(
    house: House, workspace_id: str
) -> None:
    alice = await house.join("alice@example.com")
    refused = await alice.get(f"/api/workspaces/{workspace_id}")
    assert said(refused) == (403, "not a workspace member")


async def test_nobody_sees_the_workspaces_of_others(house: House) -> None:
    admin, bob = await house.join("admin@example.com"), await house.join("bob@example.com")
    hidden = await bob.create_workspace()
    assert hidden not in [shown["id"] for shown in await admin.read("/api/workspaces")]
    refused = await admin.get(f"/api/workspaces/{hidden}")
    assert said(refused) == (403, "not a workspace member")


async def test_renaming_moves_updated_at_and_nothing_else(house: House) -> None:
    alice = await house.join("alice@example.com")
    path = f"/api/workspaces/{await alice.create_workspace('before')}"
    before = await alice.read(path)
    house.clock.advance(minutes=5)
    renamed = ok(await alice.ask("PATCH", path, {"name": "after"})).json()
    assert renamed == before | {"name": "after", "updated_at": "2026-11-23T10:05:00Z"}
    assert await alice.read(path) == renamed


async def test_a_deleted_workspace_is_unknown_to_everybody(house: House) -> None:
    alice, bob = await house.join("alice@example.com"), await house.join("bob@example.com")
    path = f"/api/workspaces/{await alice.create_workspace()}"
    ok(await alice.ask("POST", f"{path}/members", {"email": bob.email, "role": "guest"}))
    deleted = ok(await alice.ask("DELETE", path))
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert said(await alice.ask("DELETE", path)) == (403, "not a workspace member")
    assert said(await bob.get(path)) == (403, "not a workspace member")
    assert len(await bob.read("/api/workspaces")) == 1


async def test_the_quota_counts_what_one_owns_and_refuses_one_more(house: House) -> None:
    admin, bob = await house.join("admin@example.com"), await house.join("bob@example.com")
    ok(await admin.ask("PUT", "/api/admin/quotas/defaults", {"max_workspaces_per_user": 2}))
    await bob.create_workspace()
    refused = await bob.ask("POST", "/api/workspaces", {"name": "one more"})
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/json"
    assert refused.json() == {
        "error": "quota_exceeded",
        "message": "Workspace limit reached (2/2). Ask an administrator for a higher quota.",
        "quota": {"current": 2, "max": 2},
    }
    assert len(await bob.read("/api/workspaces")) == 2

    ok(await admin.ask("PUT", f"/api/admin/users/{bob.id}/quota", {"max_workspaces": 3}))
    assert await bob.read("/api/workspaces/quota") == {"current": 2, "max": 3}
    await bob.create_workspace()

    ok(await admin.ask("PUT", f"/api/admin/users/{bob.id}/quota", {"max_workspaces": 0}))
    await bob.create_workspace()


async def test_being_made_owner_does_not_count_against_the_limit(house: House) -> None:
    admin, bob = await house.join("admin@example.com"), await house.join("bob@example.com")
    ok(await admin.ask("PUT", "/api/admin/quotas/defaults", {"max_workspaces_per_user": 1}))
    ok(await admin.ask("PUT", f"/api/admin/users/{admin.id}/quota", {"max_workspaces": 9}))
    path = f"/api/workspaces/{await admin.create_workspace()}/members"
    ok(await admin.ask("POST", path, {"email": bob.email, "role": "owner"}))
    assert await bob.read("/api/workspaces/quota") == {"current": 2, "max": 1}
    refused = await bob.ask("POST", "/api/workspaces", {"name": "one more"})
    assert refused.json()["quota"] == {"current": 2, "max": 1}


async def test_the_defaults_are_the_installations_overlaid_by_the_override(
    settings: Settings,
) -> None:
    environment = {"QUOTA_DEFAULT_SANDBOX_CPU": "1.5", "IDLE_TIMEOUT": "30m"}
    async with open_house(settings, quota_environment=environment) as house:
        admin = await house.join("admin@example.com")
        workspace_id = await admin.create_workspace()
        override = {"max_sandboxes": 0, "max_sandbox_memory": 512}
        ok(await admin.ask("PUT", f"/api/admin/workspaces/{workspace_id}/quota", override))
        for number, status in enumerate(["running", "paused", "offline"]):
            await house.store.write(
                sandboxes.add,
                sandbox_id=f"s{number}",
                workspace_id=workspace_id,
                name="A sandbox",
                type="opencode",
                status=status,
                is_local=status == "offline",
                now=house.clock(),
            )
        assert await admin.read(f"/api/workspaces/{workspace_id}/defaults") == {
            "max_sandbox_cpu": 1500,
            "max_sandbox_memory": 512,
            "max_idle_timeout": 1800,
            "max_sandboxes": 0,
            "current_sandboxes": 3,
        }
