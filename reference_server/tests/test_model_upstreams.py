"""Models at a URL: what is passed on to them, and what of their answers, over real sockets."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from calling import QUESTION, Caller, add_caller
from listening import SECONDS, listening
from people import Clock, ReferenceServer, ok
from serving import in_memory
from test_start import ACCOUNT, PATIENCE, running

from agentserver_reference.app import create_app

pytestmark = pytest.mark.anyio

USAGE = {
    "input_tokens": 11,
    "cache_creation_input_tokens": 3,
    "cache_read_input_tokens": 5,
    "output_tokens": 7,
}
MESSAGE = {"id": "msg_1", "type": "message", "model": "claude-opus-4-7", "usage": USAGE}
START = {"type": "message_start", "message": MESSAGE | {"usage": USAGE | {"output_tokens": 1}}}
DELTA = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}}
END = {"type": "message_delta", "usage": {"output_tokens": 7}}


def event(data: dict[str, Any]) -> bytes:
    """An event as a model sends it."""
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


@attrs.define
class Upstream:
    """A model on a raw socket that answers what the test says, and keeps what it was asked."""

    url: str = ""
    status: str = "200 OK"
    head: dict[str, str] = attrs.field(factory=lambda: {"Content-Type": "application/json"})
    chunks: asyncio.Queue[bytes | None] = attrs.field(factory=asyncio.Queue)
    """What it sends next; None ends the body, and `abort` the connection."""
    asked: list[str] = attrs.field(factory=list)
    """The request line and the headers of each request, in lower case, then its body."""
    was_asked: asyncio.Event = attrs.field(factory=asyncio.Event)
    disconnected: asyncio.Event = attrs.field(factory=asyncio.Event)
    is_silent: bool = False

    def says(self, body: Any, status: str = "200 OK", **head: str) -> None:
        """Answer this to the next request, as JSON."""
        self.status = status
        self.head |= {name.replace("_", "-"): value for name, value in head.items()}
        for chunk in (json.dumps(body).encode(), None):
            self.chunks.put_nowait(chunk)

    def streams(self, *events: dict[str, Any]) -> None:
        """Stream these events now."""
        self.head = {"Content-Type": "text/event-stream; charset=utf-8"}
        for each in events:
            self.chunks.put_nowait(event(each))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(
            (int(line[15:]) for line in head.splitlines() if line.startswith("content-length:")), 0
        )
        self.asked.append(head + (await reader.readexactly(length)).decode())
        self.was_asked.set()
        sending = asyncio.create_task(self.send(writer))
        await reader.read()
        self.disconnected.set()
        sending.cancel()
        writer.close()

    async def send(self, writer: asyncio.StreamWriter) -> None:
        if self.is_silent:
            return
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.head.items())
        writer.write(f"HTTP/1.1 {self.status}\r\n{lines}".encode())
        writer.write(b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            chunk = await self.chunks.get()
            if chunk == b"abort":
                writer.transport.abort()
                return
            writer.write(b"%x\r\n%s\r\n" % (len(chunk or b""), chunk or b""))
            if chunk is None:
                writer.close()
                return


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    state = Upstream()
    server = await asyncio.start_server(state.serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        state.url = f"http://{host}:{port}"
        yield state


@asynccontextmanager
async def calling(**settings: Any) -> AsyncIterator[Caller]:
    """A running sandbox of a server on a real socket."""
    clock = Clock()
    app = create_app(in_memory(**settings), clock=clock, validate_responses=False)
    async with (
        listening(app) as running,
        httpx.AsyncClient(base_url=f"http://{running.address}") as client,
    ):
        server = ReferenceServer(client, clock, app.state.context)
        yield await add_caller(server, await server.create_user("owner@example.com"))


@pytest.fixture
async def caller(upstream: Upstream) -> AsyncIterator[Caller]:
    """A sandbox whose installation has a model of its own for each API."""
    async with calling(
        anthropic_base_url=upstream.url,
        anthropic_api_key="sk-platform",
        openai_base_url=f"{upstream.url}/v1",
        openai_api_key="sk-openai",
    ) as opened:
        yield opened


async def test_a_request_is_passed_on_without_the_clients_credential(
    caller: Caller, upstream: Upstream
) -> None:
    upstream.says(MESSAGE, X_Kept="yes", Set_Cookie="a=1", Keep_Alive="timeout=5")
    answer = await caller.ask(
        "/v1/messages?beta=true",
        authorization=f"Bearer {caller.token}",
        cookie="agentserver-token=mine",
        anthropic_version="2099-01-01",
        te="trailers",
        connection="x-private",
        x_private="1",
    )
    assert ok(answer).json() == MESSAGE
    assert answer.headers["x-kept"] == "yes"
    assert "set-cookie" not in answer.headers
    assert "keep-alive" not in answer.headers
    (asked,) = upstream.asked
    assert asked.startswith("post /v1/messages?beta=true http/1.1\r\n")
    assert "\r\nx-api-key: sk-platform\r\n" in asked
    assert "\r\nanthropic-version: 2099-01-01\r\n" in asked
    assert json.loads(asked.partition("\r\n\r\n")[2]) == QUESTION
    for secret in (caller.token, "mine", "authorization", "x-private", "trailers"):
        assert secret not in asked, secret


async def test_a_cookie_of_a_model_goes_to_nobody_also_not_with_the_next_request(
    caller: Caller, upstream: Upstream
) -> None:
    for _ in range(2):
        upstream.says(MESSAGE, Set_Cookie="of-another-tenant=1; Path=/")
        ok(await caller.ask())
    assert len(upstream.asked) == 2
    assert "cookie" not in upstream.asked[1]


async def test_usage_is_what_the_model_says(caller: Caller, upstream: Upstream) -> None:
    upstream.says(MESSAGE)
    await caller.ask()
    usage = {
        "prompt_tokens": 20,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    upstream.says({"id": "chatcmpl-1", "model": "gpt", "usage": usage})
    await caller.ask("/v1/chat/completions")
    assert upstream.asked[1].startswith("post /v1/chat/completions ")
    assert "\r\nauthorization: bearer sk-openai\r\n" in upstream.asked[1]
    assert await caller.usage() == [
        {"provider": "anthropic", "model": "claude-opus-4-7", "request_count": 1, **USAGE},
        {
            "provider": "openai",
            "model": "gpt",
            "input_tokens": 20,
            "output_tokens": 4,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 8,
            "request_count": 1,
        },
    ]


async def test_a_stream_is_passed_on_as_it_comes(caller: Caller, upstream: Upstream) -> None:
    upstream.streams(START)
    streamed = QUESTION | {"stream": True}
    client, headers = caller.server.client, {"x-api-key": caller.token, "x-trace-id": "t"}
    async with client.stream("POST", "/v1/messages", json=streamed, headers=headers) as answer:
        chunks = answer.aiter_raw()
        assert await anext(chunks) == event(START)
        caller.server.clock.advance(seconds=0.4)
        upstream.streams(DELTA)
        assert await anext(chunks) == event(DELTA)
        caller.server.clock.advance(seconds=1)
        upstream.streams(END, {"type": "message_stop"})
        rest = b""
        while b"message_stop" not in rest:
            rest += await anext(chunks)
        # Whoever has the last event finds the request, though the stream is still open.
        (request,) = (await caller.trace("t"))["requests"]
        assert request.items() >= USAGE.items()
        assert (request["streaming"], request["ttft"], request["duration"]) == (True, 400, 1400)
        upstream.chunks.put_nowait(None)
        assert [chunk async for chunk in chunks] == []


async def test_a_stream_that_breaks_off_is_recorded(caller: Caller, upstream: Upstream) -> None:
    upstream.streams(START, DELTA)
    upstream.chunks.put_nowait(b"abort")
    with pytest.raises(httpx.RemoteProtocolError):
        await caller.ask(body=QUESTION | {"stream": True})
    assert await caller.usage() == [
        {
            "provider": "anthropic",
            "model": "claude-opus-4-7",
            "request_count": 1,
            **USAGE,
            "output_tokens": 1,
        }
    ]


async def test_a_client_that_leaves_ends_the_call_of_the_model(
    caller: Caller, upstream: Upstream
) -> None:
    upstream.streams(START)
    streamed = QUESTION | {"stream": True}
    client, headers = caller.server.client, {"x-api-key": caller.token}
    async with client.stream("POST", "/v1/messages", json=streamed, headers=headers) as answer:
        await anext(answer.aiter_raw())
        assert not upstream.disconnected.is_set()
    async with asyncio.timeout(SECONDS):
        await upstream.disconnected.wait()
        while not await caller.usage():  # noqa: ASYNC110 - the server finishes by itself
            await asyncio.sleep(0)


async def test_a_client_that_leaves_before_the_answer_is_given_its_request_back(
    caller: Caller, upstream: Upstream
) -> None:
    upstream.is_silent = True
    asking = asyncio.create_task(caller.ask(x_trace_id="t"))
    async with asyncio.timeout(SECONDS):
        await upstream.was_asked.wait()
        asking.cancel()
        await upstream.disconnected.wait()
        quota = f"/api/workspaces/{caller.workspace_id}/llm-quota"
        while (await caller.owner.read(quota))["today_request_count"]:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert (await caller.trace("t"))["requests"] == []


async def test_an_error_of_the_model_is_passed_on_and_not_counted(
    caller: Caller, upstream: Upstream
) -> None:
    await caller.limit(caller.owner, 1)
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    upstream.says(overloaded, "529 Overloaded", Retry_After="7")
    answer = await caller.ask()
    assert (answer.status_code, answer.json()) == (529, overloaded)
    assert answer.headers["retry-after"] == "7"
    assert await caller.usage() == []
    upstream.says(MESSAGE)
    ok(await caller.ask())


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_refusal_of_the_servers_own_credential_is_no_ones_business(
    caller: Caller, upstream: Upstream, status: str
) -> None:
    upstream.says({"error": {"message": "Incorrect API key provided: sk-platform"}}, status)
    answer = await caller.ask()
    assert answer.status_code == 502
    assert "sk-" not in answer.text
    assert answer.json()["error"]["type"] == "api_error"


async def test_a_model_that_cannot_be_reached_is_a_bad_gateway() -> None:
    async with calling(
        anthropic_base_url="http://127.0.0.1:1", openai_base_url="http://127.0.0.1:1"
    ) as caller:
        answer = await caller.ask()
        assert answer.status_code == 502
        assert answer.json()["error"]["message"] == "the language model cannot be reached"
        assert (await caller.ask("/v1/chat/completions")).json()["error"]["type"] == "server_error"
        assert await caller.usage() == []


async def test_the_workspaces_own_model_comes_first(caller: Caller, upstream: Upstream) -> None:
    config = {
        "base_url": f"{upstream.url}/own/v1",
        "api_key": "sk-workspace",
        "models": [{"id": "own-model", "name": "Our own"}],
    }
    path = f"/api/workspaces/{caller.workspace_id}/llm-config"
    ok(await caller.owner.request("PUT", path, config))
    upstream.says(MESSAGE)
    ok(await caller.ask())
    upstream.says({"id": "r", "model": "gpt"})
    ok(await caller.ask("/v1/responses", {"model": "gpt", "input": "Hello"}))
    anthropic, openai = upstream.asked
    assert anthropic.startswith("post /own/v1/messages ")
    assert "\r\nx-api-key: sk-workspace\r\n" in anthropic
    assert openai.startswith("post /own/v1/responses ")
    assert "\r\nauthorization: bearer sk-workspace\r\n" in openai
    assert "sk-platform" not in anthropic + openai
    headers = {"x-api-key": caller.token}
    listed = ok(await caller.server.client.get("/v1/models", headers=headers)).json()
    assert [(each["id"], each["display_name"]) for each in listed["data"]] == [
        ("own-model", "Our own")
    ]


async def test_a_streamed_chat_is_asked_for_its_usage(caller: Caller, upstream: Upstream) -> None:
    upstream.head = {"Content-Type": "text/event-stream"}
    delta = b'data: {"id":"c","model":"gpt","choices":[{"delta":{"content":"Hi"}}]}\r\n\r\n'
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}\r\n\r\n'
    for chunk in (delta[:10], delta[10:] + usage, b"data: [DONE]\r\n\r\n", None):
        upstream.chunks.put_nowait(chunk)
    answer = await caller.ask("/v1/chat/completions", QUESTION | {"stream": True})
    assert answer.content == delta + b"data: [DONE]\r\n\r\n"
    sent = json.loads(upstream.asked[0].partition("\r\n\r\n")[2])
    assert sent["stream_options"] == {"include_usage": True}
    (row,) = await caller.usage()
    assert (row["model"], row["input_tokens"], row["output_tokens"]) == ("gpt", 9, 2)


@pytest.mark.parametrize("url", ["off", "http://127.0.0.1:1"])
async def test_a_server_with_another_proxy_or_none_serves_no_models(url: str) -> None:
    async with calling(llm_proxy_url=url) as caller:
        assert (await caller.ask()).status_code == 404


def test_a_request_whose_server_is_killed_counts_towards_the_limit_but_has_no_usage(
    tmp_path: Path,
) -> None:
    """The model may have answered it: given back, a limit of N could cost more than N answers."""
    with socket.create_server(("127.0.0.1", 0)) as model:
        variables = {
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model.getsockname()[1]}",
            "AGENTSERVER_SANDBOX_TOKEN_DIR": str(tmp_path / "tokens"),
        }
        with running(tmp_path, **variables) as server:
            cookie = signed_in(server.url)
            with httpx.Client(base_url=server.url, headers=cookie) as client:
                workspace = client.get("/api/workspaces").json()[0]["id"]
                path = f"/api/workspaces/{workspace}/sandboxes"
                sandbox = client.post(path, json={"name": "A sandbox"}).json()["id"]
                while client.get(f"/api/sandboxes/{sandbox}").json()["status"] != "running":
                    pass
            headers = {"x-api-key": (tmp_path / "tokens" / sandbox).read_text()}
            asking = threading.Thread(target=ask_in_vain, args=(server.url, headers))
            asking.start()
            connection, _ = model.accept()
            assert connection.recv(1), "the model was asked"
            server.process.kill()
            asking.join(PATIENCE)
            connection.close()
        with running(tmp_path, **variables) as server:
            with httpx.Client(base_url=server.url, headers=cookie) as client:
                quota = client.get(f"/api/workspaces/{workspace}/llm-quota").json()
                usage = client.get(f"/api/sandboxes/{sandbox}/usage").json()
                traces = client.get(f"/api/sandboxes/{sandbox}/traces").json()["traces"]
            assert server.stop() == 0
    assert (quota["today_request_count"], usage["usage"]) == (1, [])
    assert [trace["request_count"] for trace in traces] == [0]


def signed_in(url: str) -> dict[str, str]:
    """The header with the session of a new account."""
    assert httpx.post(f"{url}/api/auth/register", json=ACCOUNT).status_code == 201
    session = httpx.post(f"{url}/api/auth/login", json=ACCOUNT).headers["set-cookie"]
    return {"Cookie": session.partition(";")[0]}


def ask_in_vain(url: str, headers: dict[str, str]) -> None:
    """Ask a model until the server is gone."""
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{url}/v1/messages", json=QUESTION, headers=headers, timeout=PATIENCE)
