"""The LLM proxy: embedded and remote by one set of tests, what a remote may do, and none."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest
from calling import Caller, add_caller
from listening import listening
from people import ReferenceServer, User, error_of, ok, start_server
from second_server import with_second_server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentserver_reference.domain.errors import BadGateway, NotFound
from agentserver_reference.gateways.llm.embedded import EmbeddedLlmProxy
from agentserver_reference.gateways.llm.remote import RemoteLlmProxy
from agentserver_reference.settings import Settings
from agentserver_reference.storage import Store, llm_usage, workspaces

pytestmark = pytest.mark.anyio

UNAVAILABLE = (502, "llmproxy unavailable")
TRACE_FIELDS = ("id", "sandbox_id", "workspace_id", "source", "created_at", "updated_at")
QUOTA = {"default_max_rpd": 500, "today_request_count": 12, "workspace_quota": None}


@attrs.define
class Upstream:
    """A proxy on a real socket that answers what the test says, and keeps what it was asked."""

    url: str
    asked: list[tuple[str, str, bytes]] = attrs.field(factory=list)
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    def answers(self, status: int, body: Any = b"", **headers: str) -> None:
        """Answer this from now on; what is not bytes is sent as JSON."""
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = headers


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            state.asked.append((self.command, self.path, self.rfile.read(length)))
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            if state.status != 204:
                self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        do_GET = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Upstream(f"http://127.0.0.1:{server.server_port}/base")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield state
        server.shutdown()
        thread.join()


# Embedded and remote


@asynccontextmanager
async def embedded(settings: Settings) -> AsyncIterator[ReferenceServer]:
    """A server that is its own proxy."""
    async with start_server(settings, llm_proxy_default_max_rpd=500) as server:
        yield server


@asynccontextmanager
async def remote(settings: Settings) -> AsyncIterator[ReferenceServer]:
    """A server that asks a second one, which has the same database."""
    async with with_second_server(settings, llm_proxy_default_max_rpd=500) as (server, _):
        yield server


@asynccontextmanager
async def release(settings: Settings) -> AsyncIterator[ReferenceServer]:
    """A server that asks a proxy which answers as that of v0.64.12 does."""
    proxies: list[EmbeddedLlmProxy] = []

    async def answer(request: Request) -> Response:
        (proxy,), workspace_id = proxies, request.path_params["workspace_id"]
        if request.method == "GET":
            return JSONResponse(await proxy.quota(workspace_id))
        if request.method == "PUT":
            await proxy.set_quota(workspace_id, (await request.json())["max_rpd"])
        else:
            await proxy.delete_quota(workspace_id)
        return Response(status_code=204)

    async def usage(request: Request) -> Response:
        (proxy,), query = proxies, request.query_params
        since = query.get("since")
        moment = None if since is None else datetime.fromisoformat(since)
        rows = await proxy.usage(query["workspace_id"], query["sandbox_id"], moment)
        return JSONResponse({"usage": rows or None} | ({} if since is None else {"since": since}))

    async def traces(request: Request) -> Response:
        (proxy,), query = proxies, request.query_params
        total, rows = await proxy.traces(
            query["workspace_id"],
            query.get("sandbox_id"),
            int(query["limit"]),
            int(query["offset"]),
        )
        return JSONResponse({"total": total, "traces": rows or None})

    async def trace(request: Request) -> Response:
        # It knows no tenants, and leaves the totals out.
        (proxy,), trace_id = proxies, request.path_params["trace_id"]
        for row in await proxies_of(proxy):
            with suppress(NotFound):
                found, requests = await proxy.trace(row["id"], None, trace_id)
                shown = {name: found[name] for name in TRACE_FIELDS}
                return JSONResponse({"trace": shown, "requests": requests or None})
        return Response("trace not found\n", 404)

    async def proxies_of(proxy: EmbeddedLlmProxy) -> list[dict[str, Any]]:
        return await proxy._store.read(workspaces.list_all)

    methods = ["GET", "PUT", "DELETE"]
    routes = [
        Route("/base/internal/quotas/{workspace_id}", answer, methods=methods),
        Route("/base/internal/usage", usage),
        Route("/base/internal/traces", traces),
        Route("/base/internal/traces/{trace_id}", trace),
    ]
    async with (
        listening(Starlette(routes=routes)) as second,
        start_server(settings, llm_proxy_url=f"http://{second.address}/base") as server,
    ):
        proxies.append(EmbeddedLlmProxy(server.store, server.clock, 500))
        yield server


@pytest.fixture(params=[embedded, remote, release], ids=lambda kind: kind.__name__)
async def proxied(
    request: pytest.FixtureRequest, settings: Settings
) -> AsyncIterator[ReferenceServer]:
    """A server with each kind of proxy."""
    async with request.param(settings) as server:
        yield server


async def test_without_a_limit_the_default_holds(proxied: ReferenceServer) -> None:
    admin = await proxied.create_user("admin@example.com")
    workspace_id = await admin.create_workspace()
    nothing = {"default_max_rpd": 500, "today_request_count": 0, "workspace_quota": None}
    for path in ("/api/workspaces", "/api/admin/workspaces"):
        assert await admin.read(f"{path}/{workspace_id}/llm-quota") == nothing


async def test_a_limit_is_replaced_each_time_and_removed(proxied: ReferenceServer) -> None:
    admin = await proxied.create_user("admin@example.com")
    path = f"/api/admin/workspaces/{await admin.create_workspace()}/llm-quota"
    for body, kept in (({"max_rpd": 100}, 100), ({"max_rpd": 0}, 0), ({}, None)):
        proxied.clock.advance(seconds=1)
        assert (await admin.request("PUT", path, body)).status_code == 204
        quota = (await admin.read(path))["workspace_quota"]
        moment = proxied.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (quota["max_rpd"], quota["updated_at"]) == (kept, moment)
    for _ in range(2):
        assert (await admin.request("DELETE", path)).status_code == 204
    assert (await admin.read(path))["workspace_quota"] is None


async def test_a_limit_is_that_of_one_workspace(proxied: ReferenceServer) -> None:
    admin = await proxied.create_user("admin@example.com")
    limited, other = [await admin.create_workspace() for _ in range(2)]
    ok(await admin.request("PUT", f"/api/admin/workspaces/{limited}/llm-quota", {"max_rpd": 7}))
    limit = (await admin.read(f"/api/workspaces/{limited}/llm-quota"))["workspace_quota"]
    assert (limit["workspace_id"], limit["max_rpd"]) == (limited, 7)
    assert (await admin.read(f"/api/workspaces/{other}/llm-quota"))["workspace_quota"] is None


async def test_a_workspace_that_does_not_exist_has_no_limit(proxied: ReferenceServer) -> None:
    admin = await proxied.create_user("admin@example.com")
    path = "/api/admin/workspaces/unknown/llm-quota"
    for answer in (
        await admin.get(path),
        await admin.request("PUT", path, {"max_rpd": 7}),
        await admin.request("DELETE", path),
    ):
        assert error_of(answer) == (404, "workspace not found")


async def test_today_begins_at_midnight_utc(proxied: ReferenceServer) -> None:
    admin = await proxied.create_user("admin@example.com")
    workspace_id = await admin.create_workspace()
    midnight = proxied.clock().replace(hour=0)
    for moment in (midnight - timedelta(seconds=1), midnight, proxied.clock()):
        await proxied.store.write(llm_usage.record, workspace_id, moment)
    path = f"/api/workspaces/{workspace_id}/llm-quota"
    assert (await admin.read(path))["today_request_count"] == 2


# Embedded alone


async def test_a_limit_for_a_workspace_that_just_went_is_not_found(
    store: Store, server: ReferenceServer
) -> None:
    with pytest.raises(NotFound, match="workspace not found"):
        await EmbeddedLlmProxy(store, server.clock, 0).set_quota("gone", 5)


# Remote alone: what a service may answer


@pytest.fixture
async def admin(settings: Settings, upstream: Upstream) -> AsyncIterator[User]:
    async with start_server(settings, llm_proxy_url=upstream.url) as server:
        yield await server.create_user("admin@example.com")


async def test_the_proxy_is_asked_for_the_workspace_and_its_answer_shown(
    admin: User, upstream: Upstream
) -> None:
    workspace_id = await admin.create_workspace()
    own = {
        "workspace_id": workspace_id,
        "max_rpd": None,
        "updated_at": "2026-11-23T10:00:00.98652Z",
    }
    upstream.answers(200, QUOTA | {"workspace_quota": own, "secret": "s"})
    shown = await admin.read(f"/api/workspaces/{workspace_id}/llm-quota")
    own_shown = shown.pop("workspace_quota")
    assert shown == {"default_max_rpd": 500, "today_request_count": 12}
    assert own_shown.pop("updated_at").startswith("2026-11-23T10:00:00.98652")
    assert own_shown == {"workspace_id": workspace_id, "max_rpd": None}
    assert upstream.asked == [("GET", f"/base/internal/quotas/{workspace_id}", b"")]


async def test_a_limit_is_handed_on(admin: User, upstream: Upstream) -> None:
    workspace_id = await admin.create_workspace()
    path = f"/api/admin/workspaces/{workspace_id}/llm-quota"
    upstream.answers(204)
    assert (await admin.request("PUT", path, {"max_rpd": 7})).status_code == 204
    assert (await admin.request("PUT", path, {})).status_code == 204
    assert (await admin.request("DELETE", path)).status_code == 204
    sent = [(method, body and json.loads(body)) for method, _, body in upstream.asked]
    assert sent == [("PUT", {"max_rpd": 7}), ("PUT", {"max_rpd": None}), ("DELETE", b"")]
    assert {path for _, path, _ in upstream.asked} == {f"/base/internal/quotas/{workspace_id}"}


async def test_the_id_stays_one_segment_of_the_path(upstream: Upstream) -> None:
    proxy = RemoteLlmProxy(upstream.url)
    upstream.answers(204)
    await proxy.delete_quota("../a/b?c#d %00é")
    await proxy.close()
    assert upstream.asked[0][1] == "/base/internal/quotas/..%2Fa%2Fb%3Fc%23d%20%2500%C3%A9"


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (500, b"pq: password authentication failed for user llm", {}),
        (400, b"bad request", {}),
        (204, b"", {}),
        (302, b"", {"Location": "http://127.0.0.1:1/elsewhere"}),
        (200, b"", {}),
        (200, b"<html>", {}),
        (200, b"[]", {}),
        (200, b"\xff", {}),
        (200, b"[" * 50_000, {}),
        (200, b" " * 100_000 + json.dumps(QUOTA).encode(), {}),
        (200, QUOTA | {"today_request_count": -1}, {}),
        (200, QUOTA | {"today_request_count": "12"}, {}),
        (200, QUOTA | {"default_max_rpd": None}, {}),
        (200, {key: QUOTA[key] for key in ("default_max_rpd", "today_request_count")}, {}),
        (200, QUOTA | {"workspace_quota": {"workspace_id": "w"}}, {}),
        (
            200,
            QUOTA
            | {
                "workspace_quota": {
                    "workspace_id": "another",
                    "max_rpd": 1,
                    "updated_at": "2026-11-23T10:00:00Z",
                }
            },
            {},
        ),
        (200, json.dumps(QUOTA).encode(), {"Content-Encoding": "gzip"}),
    ],
)
async def test_an_answer_that_is_none_is_a_bad_gateway(
    upstream: Upstream, status: int, body: Any, headers: dict[str, str]
) -> None:
    proxy = RemoteLlmProxy(upstream.url)
    upstream.answers(status, body, **headers)
    with pytest.raises(BadGateway) as refused:
        await proxy.quota("w")
    await proxy.close()
    assert refused.value.line == "llmproxy unavailable"
    assert len(upstream.asked) == 1, "it was asked again, or a redirect followed"


@pytest.mark.parametrize("status", [200, 302, 400, 500, 503])
async def test_a_limit_that_was_not_taken_is_a_bad_gateway(
    admin: User, upstream: Upstream, status: int
) -> None:
    path = f"/api/admin/workspaces/{await admin.create_workspace()}/llm-quota"
    upstream.answers(status, b"pq: secret")
    assert error_of(await admin.request("PUT", path, {"max_rpd": 1})) == UNAVAILABLE
    assert error_of(await admin.request("DELETE", path)) == UNAVAILABLE


async def test_an_unreachable_proxy_is_a_bad_gateway(settings: Settings) -> None:
    async with start_server(settings, llm_proxy_url="http://127.0.0.1:1") as server:
        admin = await server.create_user("admin@example.com")
        path = f"/api/workspaces/{await admin.create_workspace()}/llm-quota"
        assert error_of(await admin.get(path)) == UNAVAILABLE


async def test_a_proxy_that_takes_too_long_is_a_bad_gateway() -> None:
    is_over = asyncio.Event()

    async def respond_late(_: Request) -> Response:
        await is_over.wait()
        return Response()

    app = Starlette(routes=[Route("/{path:path}", respond_late)])
    async with listening(app) as running:
        proxy = RemoteLlmProxy(f"http://{running.address}", timeout=0.05)
        with pytest.raises(BadGateway):
            await proxy.quota("w")
        is_over.set()
        await proxy.close()


async def test_who_may_not_learns_nothing_of_the_proxy(
    settings: Settings, upstream: Upstream
) -> None:
    async with start_server(settings, llm_proxy_url=upstream.url) as server:
        admin, bob = (
            await server.create_user("admin@example.com"),
            await server.create_user("bob@example.com"),
        )
        path = f"/api/workspaces/{await bob.create_workspace()}/llm-quota"
        assert error_of(await admin.get(path)) == (403, "not a workspace member")
        missing = await admin.get("/api/admin/workspaces/unknown/llm-quota")
        assert error_of(missing) == (404, "workspace not found")
    assert upstream.asked == []


# Usage and traces


@pytest.fixture
async def caller(proxied: ReferenceServer) -> Caller:
    """A sandbox of a server with each kind of proxy."""
    return await add_caller(proxied, await proxied.create_user("owner@example.com"))


async def test_a_sandbox_that_has_asked_nothing_has_empty_lists(caller: Caller) -> None:
    assert await caller.usage() == []
    assert await caller.traces() == {"traces": [], "total": 0}
    assert await caller.owner.read(f"/api/workspaces/{caller.workspace_id}/traces") == {
        "traces": [],
        "total": 0,
    }
    for path in (caller.path, f"/api/workspaces/{caller.workspace_id}"):
        for trace_id in ("unknown", "not%20one", "a%2Fb", "%3F"):
            unknown = await caller.owner.get(f"{path}/traces/{trace_id}")
            assert error_of(unknown) == (404, "trace not found")


async def test_usage_is_summed_up_by_model(proxied: ReferenceServer, caller: Caller) -> None:
    await caller.has_asked("r1", "t", model="b", input_tokens=5)
    await caller.has_asked("r2", "t", model="a")
    proxied.clock.advance(hours=1)
    await caller.has_asked("r3", "t", model="b", output_tokens=2**40)
    one = {"cache_creation_input_tokens": 1, "cache_read_input_tokens": 1}
    assert await caller.usage() == [
        {
            "provider": "anthropic",
            "model": "a",
            "input_tokens": 1,
            "output_tokens": 1,
            **one,
            "request_count": 1,
        },
        {
            "provider": "anthropic",
            "model": "b",
            "input_tokens": 6,
            "output_tokens": 2**40 + 1,
            **dict.fromkeys(one, 2),
            "request_count": 2,
        },
    ]
    (later,) = await caller.usage("?since=2026-11-23T11:00:00Z")
    assert (later["model"], later["request_count"]) == ("b", 1)


async def test_a_trace_has_its_requests_and_their_totals(
    proxied: ReferenceServer, caller: Caller
) -> None:
    await caller.has_asked("r1", "t", model="b", message_id="msg_1", input_tokens=5)
    proxied.clock.advance(seconds=1)
    await caller.has_asked("r2", "t", model="a")
    detail = await caller.trace("t")
    assert [request["id"] for request in detail["requests"]] == ["r1", "r2"]
    assert [request.get("message_id") for request in detail["requests"]] == ["msg_1", None]
    assert detail["trace"] == {
        "id": "t",
        "sandbox_id": caller.id,
        "workspace_id": caller.workspace_id,
        "source": "header",
        "created_at": "2026-11-23T10:00:00Z",
        "updated_at": "2026-11-23T10:00:01Z",
        "request_count": 2,
        "total_input_tokens": 6,
        "total_output_tokens": 2,
        "total_cache_read_tokens": 2,
        "total_cache_creation_tokens": 2,
        "models": "a, b",
    }
    assert await caller.traces() == {"traces": [detail["trace"]], "total": 1}


async def test_traces_come_in_pages(caller: Caller) -> None:
    for number in range(3):
        await caller.has_asked(f"r{number}", f"t{number}")
    page = await caller.traces("?limit=2&offset=1")
    assert [trace["id"] for trace in page["traces"]] == ["t1", "t0"]
    assert page["total"] == 3


async def test_no_trace_is_shown_to_another_tenant(
    proxied: ReferenceServer, caller: Caller
) -> None:
    stranger = await add_caller(proxied, await proxied.create_user("b@example.com"), "foreign")
    await caller.has_asked("r1", "mine")
    workspace = f"/api/workspaces/{stranger.workspace_id}"
    for path in (stranger.path, workspace):
        unknown = await stranger.owner.get(f"{path}/traces/mine")
        assert error_of(unknown) == (404, "trace not found")
        assert (await stranger.owner.read(f"{path}/traces"))["total"] == 0
    neighbour = await add_caller(
        proxied, caller.owner, "neighbour", workspace_id=caller.workspace_id
    )
    unknown = await caller.owner.get(f"{neighbour.path}/traces/mine")
    assert error_of(unknown) == (404, "trace not found")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"internal error"),
        (503, b"database not configured"),
        (302, b""),
        (200, b"<html>"),
        (200, {"usage": [{}]}),
        (200, {"traces": [{}], "total": 1}),
    ],
)
async def test_usage_and_traces_that_are_none_are_a_bad_gateway(
    settings: Settings, upstream: Upstream, status: int, body: Any
) -> None:
    upstream.answers(status, body)
    async with start_server(settings, llm_proxy_url=upstream.url) as server:
        caller = await add_caller(server, await server.create_user("owner@example.com"))
        paths = ("usage", "traces", "traces/t")
        for path in paths if isinstance(body, bytes) else body.keys() & {*paths}:
            answer = await caller.owner.get(f"{caller.path}/{path}")
            assert error_of(answer) == UNAVAILABLE, path


# Switched off


async def test_a_proxy_that_is_off_is_unavailable(settings: Settings) -> None:
    async with start_server(settings, llm_proxy_url="off") as server:
        admin = await server.create_user("admin@example.com")
        workspace_id = await admin.create_workspace()
        path = f"/api/admin/workspaces/{workspace_id}/llm-quota"
        for answer in (
            await admin.get(f"/api/workspaces/{workspace_id}/llm-quota"),
            await admin.get(path),
            await admin.request("PUT", path, {"max_rpd": 1}),
            await admin.request("DELETE", path),
            await admin.get(f"/api/workspaces/{workspace_id}/traces"),
            await admin.get(f"/api/workspaces/{workspace_id}/traces/t"),
        ):
            assert error_of(answer) == (503, "llmproxy not configured")
        ok(await admin.get("/api/auth/check"))
