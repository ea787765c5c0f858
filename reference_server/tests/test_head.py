"""HEAD is answered where GET is, with all of its answer but the body."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator

import httpx
import pytest
from every_kind import AGENT_TOKEN, PostOffice, every_kind_app, populate
from listening import SECONDS, listening
from live import SESSION, live_server
from serving import in_memory, session_cookie

from agentserver_reference.app import create_app
from agentserver_reference.call import Call
from agentserver_reference.contract import load_contract
from agentserver_reference.replies import Event, EventStream

pytestmark = pytest.mark.anyio

READS = [each for each in load_contract().operations if each.method == "GET" and not each.consumes]


def own_headers(response: httpx.Response) -> list[tuple[str, str]]:
    """All headers but the date, which may have changed between two requests."""
    return [(name, value) for name, value in response.headers.multi_items() if name != "date"]


def paths(**ids: str) -> Iterator[str]:
    for operation in READS:
        yield operation.path.format_map(defaultdict(lambda: "unknown", ids))
    yield from ("/docs", "/docs/swagger-ui.css", "/openapi.json", "/nothing", "/api/auth/login")


async def test_every_answer_to_head_is_that_to_get_without_its_body() -> None:
    async with (
        listening(create_app(in_memory())) as running,
        httpx.AsyncClient(base_url=f"http://{running.address}") as client,
    ):
        cookie = await session_cookie(client)
        me = await client.get("/api/auth/me", headers={"Cookie": cookie})
        listed = await client.get("/api/workspaces", headers={"Cookie": cookie})
        workspace_id = listed.json()[0]["id"]
        created = await client.post(
            f"/api/workspaces/{workspace_id}/sandboxes",
            json={"name": "A sandbox"},
            headers={"Cookie": cookie},
        )
        ids = {
            "workspace_id": workspace_id,
            "user_id": me.json()["id"],
            "sandbox_id": created.json()["id"],
            "kind": "k8s",
        }
        for credential in ({"Cookie": cookie}, {}):
            for path in paths(**ids):
                headers = {**credential, "X-Request-Id": "mine"}
                get = await client.get(path, headers=headers)
                head = await client.head(path, headers=headers)
                assert head.status_code == get.status_code, path
                assert own_headers(head) == own_headers(get), path
                assert head.content == b"", path
                if get.content:
                    assert head.headers["content-length"] == str(len(get.content)), path


async def test_after_head_the_connection_is_used_again() -> None:
    async with listening(create_app(in_memory())) as running, asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(*running.address.split(":"))
        for path in (b"/docs", b"/openapi.json", b"/nothing", b"/docs/swagger-ui.css"):
            writer.write(b"HEAD %b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 "), path
        writer.write(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nnot found\n")
        writer.close()


async def test_head_is_refused_where_get_changes_state() -> None:
    handlers = PostOffice()
    app = every_kind_app(in_memory(), handlers)
    async with listening(app) as running:
        await populate(app)
        async with httpx.AsyncClient(base_url=f"http://{running.address}") as client:
            headers = {"Authorization": f"Bearer {AGENT_TOKEN}"}
            refused = await client.head("/api/parcels/next", headers=headers)
            assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
            assert handlers.calls == []


async def test_head_ends_a_stream_before_its_first_event() -> None:
    begun = asyncio.Event()

    async def events() -> AsyncGenerator[Event, None]:
        begun.set()
        yield Event("tick")

    async def answer(call: Call) -> EventStream:
        return EventStream(events(), keep_alive=SECONDS)

    async with live_server() as live:
        live.answer = answer
        async with httpx.AsyncClient(headers=SESSION, timeout=SECONDS) as client:
            response = await client.head(live.url("/events"))
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "text/event-stream"
    assert not begun.is_set()
