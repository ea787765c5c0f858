"""The routes `/internal/*`: where they are served, to whom, and what they answer."""

import asyncio
import re
from collections.abc import AsyncIterator

import attrs
import httpx
import pytest
from calling import QUESTION, add_caller
from people import ReferenceServer, error_of, ok
from second_server import SECRET, Second, with_second_server
from serving import in_memory

from agentserver_reference.app import create_app
from agentserver_reference.internal.document import document
from agentserver_reference.settings import Settings

pytestmark = pytest.mark.anyio

ROUTES = [
    (method.upper(), path.replace("{", "").replace("}", ""))
    for path, item in document({"llm_proxy", "tokens"})["paths"].items()
    for method in item
]
TRACES = "/internal/traces?workspace_id=w"


@pytest.fixture
async def servers(settings: Settings) -> AsyncIterator[tuple[ReferenceServer, Second]]:
    async with with_second_server(settings) as both:
        yield both


@pytest.fixture
async def second() -> AsyncIterator[Second]:
    """A second server for what no database matters to."""
    async with with_second_server(in_memory()) as (_, opened):
        yield opened


async def test_no_internal_route_is_on_the_public_port(second: Second) -> None:
    for method, path in ROUTES:
        answer = await second.client.request(method, path, headers={"X-Internal-Secret": SECRET})
        assert error_of(answer) == (404, "not found"), path


@pytest.mark.parametrize("given", [[], ["wrong"], ["\xe9"], [SECRET, SECRET]])
async def test_every_internal_route_takes_the_secret_alone(
    second: Second, given: list[str]
) -> None:
    del second.internal.headers["X-Internal-Secret"]
    headers = [(b"X-Internal-Secret", each.encode("latin-1")) for each in given]
    for method, path in ROUTES:
        answer = await second.internal.request(method, path, headers=headers)
        assert error_of(answer) == (401, "unauthorized"), path


async def test_public_routes_are_not_on_the_internal_port(second: Second) -> None:
    for path in ("/healthz", "/docs", "/api/workspaces", "/v1/models"):
        assert error_of(await second.internal.get(path)) == (404, "not found")


async def test_a_server_without_internal_listen_serves_none() -> None:
    assert create_app(in_memory()).state.internal is None


async def test_a_server_whose_proxy_is_elsewhere_serves_none_to_others() -> None:
    async with with_second_server(in_memory(), llm_proxy_url="off") as (_, second):
        assert error_of(await second.internal.get(TRACES)) == (404, "not found")
        answer = await second.internal.post(
            "/internal/validate-proxy-token", json={"proxy_token": "unknown"}
        )
        assert error_of(answer) == (401, "invalid token")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/internal/traces", "workspace_id: is required"),
        ("/internal/traces/t", "workspace_id: is required"),
        ("/internal/usage?workspace_id=w", "sandbox_id: is required"),
        (f"{TRACES}&limit=0", "limit: "),
        (f"{TRACES}&limit=1000", "limit: "),
        (f"{TRACES}&offset=-1", "offset: "),
        ("/internal/usage?workspace_id=w&sandbox_id=s&since=today", "since: "),
    ],
)
async def test_a_bad_parameter_is_named(second: Second, path: str, line: str) -> None:
    status, told = error_of(await second.internal.get(path))
    assert status == 400
    assert told.startswith(line), told


@pytest.mark.parametrize("max_rpd", [-1, 2**31, "7", 1.5])
async def test_a_limit_that_is_none_is_refused(second: Second, max_rpd: object) -> None:
    answer = await second.internal.put("/internal/quotas/w", json={"max_rpd": max_rpd})
    assert error_of(answer)[0] == 400
    assert error_of(answer)[1].startswith("max_rpd: ")


async def test_a_token_is_told_whose_it_is(
    servers: tuple[ReferenceServer, Second],
) -> None:
    server, second = servers
    owner = await server.create_user("owner@example.com")
    caller = await add_caller(server, owner, status="paused")

    async def ask(token: str) -> object:
        path = "/internal/validate-proxy-token"
        return ok(await second.internal.post(path, json={"proxy_token": token})).json()

    assert await ask(caller.token) == {
        "token_type": "sandbox",
        "workspace_id": caller.workspace_id,
        "sandbox_id": caller.id,
        "status": "paused",
    }
    for body, line in (
        ({}, "proxy_token: is required"),
        ({"proxy_token": ""}, "proxy_token: must have at least 1 character"),
    ):
        answer = await second.internal.post("/internal/validate-proxy-token", json=body)
        assert error_of(answer) == (400, line)


async def test_a_workspace_has_one_token_that_ends_with_it(
    servers: tuple[ReferenceServer, Second],
) -> None:
    server, second = servers
    owner = await server.create_user("owner@example.com")
    workspace_id = await owner.create_workspace()

    async def token_of(workspace_id: str) -> httpx.Response:
        body = {"workspace_id": workspace_id}
        return await second.internal.post("/internal/workspace-token", json=body)

    at_once = await asyncio.gather(*(token_of(workspace_id) for _ in range(5)))
    (token,) = {ok(answer).json()["token"] for answer in at_once}
    assert re.fullmatch("[0-9a-f]{64}", token)
    holder = await second.internal.post(
        "/internal/validate-proxy-token", json={"proxy_token": token}
    )
    assert ok(holder).json() == {
        "token_type": "workspace",
        "workspace_id": workspace_id,
        "status": "active",
    }
    other = ok(await token_of(await owner.create_workspace())).json()["token"]
    assert other != token
    headers = {"Authorization": f"Bearer {token}", "x-trace-id": "t"}
    ok(await second.client.post("/v1/messages", json=QUESTION, headers=headers))
    traces = f"/api/workspaces/{workspace_id}/traces"
    assert [each["id"] for each in (await owner.read(traces))["traces"]] == ["t"]
    ok(await owner.request("DELETE", f"/api/workspaces/{workspace_id}"))
    assert error_of(await token_of(workspace_id)) == (404, "workspace not found")
    refused = await second.client.post("/v1/messages", json=QUESTION, headers=headers)
    assert refused.status_code == 401


async def test_what_is_asked_of_the_second_server_is_shown_by_the_first(
    servers: tuple[ReferenceServer, Second],
) -> None:
    server, second = servers
    caller = await add_caller(server, await server.create_user("owner@example.com"))
    headers = {"x-api-key": caller.token, "x-trace-id": "t"}
    there = attrs.evolve(server, client=second.client)
    answer = ok(await there.client.post("/v1/messages", json=QUESTION, headers=headers)).json()
    (row,) = await caller.usage()
    assert row["output_tokens"] == answer["usage"]["output_tokens"]
    assert (await caller.traces())["traces"][0]["id"] == "t"
    here = await server.client.post("/v1/messages", json=QUESTION, headers=headers)
    assert here.status_code == 404
