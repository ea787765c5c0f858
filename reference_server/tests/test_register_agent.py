"""Registering an agent with an access token: who may, what is checked first, when tokens end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import httpx
import pytest
from agents_signing_in import signed_in
from oauth_provider import Provider, provider
from people import ReferenceServer, User, error_of, ok, start_server
from starlette.responses import JSONResponse, PlainTextResponse

from agentserver_reference.settings import Settings

pytestmark = pytest.mark.anyio

PATH = "/api/agent/register"


@attrs.frozen
class Member:
    """A developer of somebody else's workspace, with an access token for it."""

    server: ReferenceServer
    owner: User
    user: User
    workspace_id: str
    token: str

    async def register(self, body: Any = None, **headers: str) -> httpx.Response:
        """Register an agent."""
        named = {"Authorization": f"Bearer {self.token}", **headers}
        body = {} if body is None else body
        return await self.server.client.post(PATH, json=body, headers=named)

    async def set_role(self, role: str) -> None:
        """Let the owner change the role."""
        path = f"/api/workspaces/{self.workspace_id}/members/{self.user.id}"
        ok(await self.owner.request("PUT", path, {"role": role}))

    async def remove(self) -> None:
        """Let the owner end the membership."""
        path = f"/api/workspaces/{self.workspace_id}/members/{self.user.id}"
        ok(await self.owner.request("DELETE", path))


@pytest.fixture
async def member(server: ReferenceServer) -> Member:
    return await add_member(server)


async def add_member(server: ReferenceServer, scope: str = "agent:register") -> Member:
    owner = await server.create_user("ada@example.com")
    user = await server.create_user("grace@example.com")
    workspace_id = await owner.create_workspace()
    members = f"/api/workspaces/{workspace_id}/members"
    ok(await owner.request("POST", members, {"email": user.email, "role": "developer"}))
    tokens = await signed_in(server, user, workspace_id, scope)
    return Member(server, owner, user, workspace_id, tokens["access_token"])


async def discover(server: ReferenceServer, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return (await server.client.get("/api/agent/discovery/agents", headers=headers)).status_code


async def test_an_agent_is_registered_where_the_token_was_approved_for(member: Member) -> None:
    created = ok(await member.register({"name": "Reviewer", "type": "custom"}))
    assert created.status_code == 201
    agent = created.json()
    assert agent["workspace_id"] == member.workspace_id
    path = f"/api/sandboxes/{agent['sandbox_id']}"
    sandbox = await member.user.read(path)
    assert (sandbox["name"], sandbox["type"]) == ("Reviewer", "custom")
    assert (sandbox["status"], sandbox["is_local"]) == ("running", True)
    assert sandbox["short_id"] == agent["short_id"]
    for kind in ("proxy_token", "tunnel_token"):
        assert await discover(member.server, agent[kind]) == 200
        assert agent[kind] not in (await member.user.get(path)).text


async def test_what_is_left_out_has_the_values_of_the_release(member: Member) -> None:
    agent = ok(await member.register()).json()
    sandbox = await member.user.read(f"/api/sandboxes/{agent['sandbox_id']}")
    assert (sandbox["name"], sandbox["type"]) == ("Local Agent", "opencode")


async def test_every_call_registers_another_agent_beyond_any_quota(member: Member) -> None:
    path = f"/api/admin/workspaces/{member.workspace_id}/quota"
    ok(await member.owner.request("PUT", path, {"max_sandboxes": 1}))
    agents = [ok(await member.register({"name": "Same"})).json() for _ in range(3)]
    for field in ("sandbox_id", "proxy_token", "tunnel_token", "short_id"):
        assert len({agent[field] for agent in agents}) == 3


@pytest.mark.parametrize("how", ["remove", "guest"])
async def test_access_token_and_agents_end_with_the_membership(member: Member, how: str) -> None:
    agent = ok(await member.register()).json()
    if how == "remove":
        await member.remove()
    else:
        await member.set_role("guest")
    assert error_of(await member.register()) == (401, "unauthorized")
    for kind in ("proxy_token", "tunnel_token"):
        assert await discover(member.server, agent[kind]) == 401
    if how == "guest":  # who is raised again registers again
        await member.set_role("maintainer")
        assert (await member.register()).status_code == 401
        assert await discover(member.server, agent["proxy_token"]) == 401


async def test_another_role_that_may_changes_nothing(member: Member) -> None:
    agent = ok(await member.register()).json()
    await member.set_role("maintainer")
    ok(await member.register())
    assert await discover(member.server, agent["proxy_token"]) == 200


async def test_a_session_registers_nothing(member: Member) -> None:
    assert (await member.owner.request("POST", PATH, {})).status_code == 401


@pytest.mark.parametrize("header", ["", "Basic x", "Bearer", "Bearer a b", "Bearer unknown"])
async def test_what_is_no_access_token_is_refused(member: Member, header: str) -> None:
    refused = await member.register({"type": "wrong"}, Authorization=header)
    assert error_of(refused) == (401, "unauthorized")


async def test_the_scope_comes_before_the_body(server: ReferenceServer) -> None:
    member = await add_member(server, "openid profile")
    refused = await member.register({"type": "wrong"})
    assert error_of(refused) == (403, "the credential lacks the scope agent:register")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "jupyter"}, "type"),
        ({"type": "Custom"}, "type"),
        ({"name": ""}, "name"),
        ({"name": "a" * 256}, "name"),
        ({"name": "\0"}, "name"),
        ({"name": None}, "name"),
        ([], "body"),
    ],
    ids=str,
)
async def test_a_body_out_of_bounds_registers_nothing(
    member: Member, body: Any, field: str
) -> None:
    status, line = error_of(await member.register(body))
    assert (status, line.partition(":")[0]) == (400, field)
    assert await member.user.read(f"/api/workspaces/{member.workspace_id}/sandboxes") == []


# --- a provider elsewhere, and none ---------------------------------------------------------------


@pytest.fixture
async def elsewhere() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


@pytest.fixture
async def asking(settings: Settings, elsewhere: Provider) -> AsyncIterator[ReferenceServer]:
    urls = {"hydra_admin_url": elsewhere.url, "hydra_public_url": elsewhere.url}
    async with start_server(settings, **urls) as server:
        yield server


async def post(server: ReferenceServer, body: Any = None) -> httpx.Response:
    return await server.client.post(
        PATH, json={} if body is None else body, headers={"Authorization": "Bearer ory_at_x.y"}
    )


async def test_a_provider_elsewhere_is_asked_whose_the_token_is(
    asking: ReferenceServer, elsewhere: Provider
) -> None:
    user = await asking.create_user("ada@example.com")
    workspace_id = await user.create_workspace()

    def says(**changes: Any) -> None:
        claims = {"active": True, "sub": user.id, "scope": "openid agent:register"}
        claims |= {"ext": {"workspace_id": workspace_id}, **changes}
        elsewhere.failing = JSONResponse(claims)

    says()
    assert ok(await post(asking)).json()["workspace_id"] == workspace_id
    wrong = {"type": "wrong"}
    says(active=False, sub="", scope="", ext=None)
    assert error_of(await post(asking, wrong)) == (401, "unauthorized")
    says(scope="openid")
    assert (await post(asking, wrong)).status_code == 403
    for ext in (None, {}, {"workspace_id": ""}, {"workspace_id": 7}):
        says(ext=ext)
        assert error_of(await post(asking, wrong)) == (400, "token missing workspace_id claim")
    says(ext={"workspace_id": "unknown"})
    assert error_of(await post(asking, wrong)) == (403, "not a workspace member")
    says(sub="unknown")
    assert error_of(await post(asking, wrong)) == (403, "not a workspace member")
    says()
    assert (await post(asking, wrong)).status_code == 400
    elsewhere.failing = PlainTextResponse("secret", 500)
    assert error_of(await post(asking, wrong)) == (502, "OAuth provider unavailable")


async def test_where_oauth_is_off_nothing_can_be_registered(settings: Settings) -> None:
    async with start_server(settings, hydra_admin_url="off") as server:
        assert error_of(await server.client.post(PATH, json={})) == (401, "unauthorized")
        assert error_of(await post(server)) == (503, "OAuth not configured")
