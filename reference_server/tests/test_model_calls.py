"""Calls of the built-in model: who may, how many, and what usage and traces say of them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from calling import QUESTION, Caller, add_caller
from people import ReferenceServer, User, error_of, ok, start_server
from serving import in_memory

from agentserver_reference.domain.model_usage import Meter
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.domain.traces import Trace, trace_of
from agentserver_reference.storage import proxy_tokens, sandboxes

pytestmark = pytest.mark.anyio

SAID = "This is the built-in model of agentserver, not a language model. You wrote: Hello"
OF_MESSAGES = {"input_tokens": 1, "output_tokens": len(SAID.split())}


@pytest.fixture
async def owner(server: ReferenceServer) -> User:
    """The owner of the sandboxes, who is the administrator too."""
    return await server.create_user("owner@example.com")


@pytest.fixture
async def caller(server: ReferenceServer, owner: User) -> Caller:
    """A running sandbox."""
    return await add_caller(server, owner)


async def workspace_token(server: ReferenceServer, workspace_id: str) -> str:
    """Give a workspace a token of its own."""
    token = "0123456789abcdef" * 4
    await server.store.write(
        proxy_tokens.add,
        workspace_id,
        token_hash=token_hash(token),
        token_encrypted="not read",
        now=server.clock(),
    )
    return token


# --- usage and traces -----------------------------------------------------------------------------


async def test_nothing_used_is_an_empty_list(caller: Caller) -> None:
    assert await caller.owner.read(f"{caller.path}/usage") == {"usage": []}
    assert await caller.traces() == {"traces": [], "total": 0}


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "messages": ("/v1/messages", QUESTION),
    "messages streamed": ("/v1/messages?beta=true", QUESTION | {"stream": True}),
    "chat": ("/v1/chat/completions", QUESTION),
    "chat streamed": ("/v1/chat/completions", QUESTION | {"stream": True}),
    "responses": ("/v1/responses", {"model": "any", "input": "Hello"}),
    "responses streamed": ("/v1/responses", {"model": "any", "input": "Hello", "stream": True}),
}


@pytest.mark.parametrize("name", CALLS)
async def test_each_call_is_one_request_of_one_trace(caller: Caller, name: str) -> None:
    path, body = CALLS[name]
    ok(await caller.ask(path, body))
    provider = "anthropic" if "messages" in name else "openai"
    cache = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    used = {"provider": provider, "model": "built-in", **OF_MESSAGES, **cache}
    assert await caller.usage() == [used | {"request_count": 1}]
    listed = await caller.traces()
    (trace,) = listed["traces"]
    assert listed["total"] == 1
    assert trace["id"].startswith("at-" if provider == "anthropic" else "ot-")
    assert (trace["source"], trace["models"]) == ("auto", "built-in")
    assert (trace["request_count"], trace["total_input_tokens"]) == (1, 1)
    detail = await caller.trace(trace["id"])
    assert detail["trace"] == trace
    (request,) = detail["requests"]
    assert request.items() >= used.items()
    assert request["streaming"] == ("streamed" in name)
    assert request["trace_id"] == trace["id"]
    assert request["message_id"]
    assert request["sandbox_id"] == trace["sandbox_id"] == caller.id
    workspace = f"/api/workspaces/{caller.workspace_id}/traces"
    assert await caller.owner.read(workspace) == listed
    assert await caller.owner.read(f"{workspace}/{trace['id']}") == detail


async def test_counting_tokens_and_listing_models_is_no_request(caller: Caller) -> None:
    counted = ok(await caller.ask("/v1/messages/count_tokens")).json()
    assert counted == {"input_tokens": 1}
    headers = {"Authorization": f"Bearer {caller.token}"}
    models = ok(await caller.server.client.get("/v1/models", headers=headers)).json()
    assert [model["id"] for model in models["data"]] == ["built-in"]
    assert (await caller.traces())["total"] == 0


async def test_usage_counts_from_since_on(server: ReferenceServer, caller: Caller) -> None:
    await caller.ask()
    server.clock.advance(hours=1)
    await caller.ask()
    whole = await caller.owner.read(f"{caller.path}/usage?since=2026-11-23T10:30:00Z")
    assert whole["since"] == "2026-11-23T10:30:00Z"
    assert [row["request_count"] for row in whole["usage"]] == [1]
    assert (await caller.usage("?since=2026-11-23T12:00:00%2B01:00"))[0]["request_count"] == 1
    assert (await caller.usage("?since=2026-11-23T11:00:00%2B01:00"))[0]["request_count"] == 2
    refused = await caller.owner.get(f"{caller.path}/usage?since=yesterday")
    assert error_of(refused) == (400, "since: must be a valid date-time")


async def test_pages_are_stable_and_bounded(server: ReferenceServer, caller: Caller) -> None:
    for number in range(5):
        await caller.ask(x_trace_id=f"t{number}")
    server.clock.advance(seconds=1)
    await caller.ask(x_trace_id="t1")
    order = ["t1", "t4", "t3", "t2", "t0"]
    listed = await caller.traces()
    assert [trace["id"] for trace in listed["traces"]] == order
    for offset in range(0, 6, 2):
        page = await caller.traces(f"?limit=2&offset={offset}")
        assert [trace["id"] for trace in page["traces"]] == order[offset : offset + 2]
        assert page["total"] == 5
    assert await caller.traces("?offset=9") == {"traces": [], "total": 5}
    for query, line in (
        ("limit=0", "limit: must be at least 1"),
        ("limit=1000", "limit: must be at most 999"),
        ("limit=x", "limit: must be a whole number"),
        ("offset=-1", "offset: must be at least 0"),
    ):
        assert error_of(await caller.owner.get(f"{caller.path}/traces?{query}")) == (400, line)


async def test_a_trace_has_the_requests_that_name_it(caller: Caller) -> None:
    await caller.ask(x_trace_id="mine")
    await caller.ask("/v1/chat/completions", x_trace_id="mine")
    detail = await caller.trace("mine")
    assert [request["provider"] for request in detail["requests"]] == ["anthropic", "openai"]
    assert detail["trace"]["source"] == "header"
    assert detail["trace"]["request_count"] == 2
    assert detail["trace"]["total_output_tokens"] == 2 * OF_MESSAGES["output_tokens"]


async def test_a_sandbox_sees_its_own_requests_of_a_common_trace(
    server: ReferenceServer, caller: Caller
) -> None:
    other = await add_caller(server, caller.owner, "other", workspace_id=caller.workspace_id)
    await caller.ask(x_trace_id="common")
    await other.ask("/v1/chat/completions", x_trace_id="common")
    for each, provider in ((caller, "anthropic"), (other, "openai")):
        detail = await each.trace("common")
        assert [request["provider"] for request in detail["requests"]] == [provider]
        assert detail["trace"]["sandbox_id"] == caller.id
        assert (await each.traces())["traces"] == [detail["trace"]]
        assert [row["provider"] for row in await each.usage()] == [provider]
    whole = await caller.owner.read(f"/api/workspaces/{caller.workspace_id}/traces/common")
    assert whole["trace"]["request_count"] == len(whole["requests"]) == 2


async def test_the_same_id_in_two_workspaces_is_two_traces(
    server: ReferenceServer, caller: Caller
) -> None:
    stranger = await add_caller(server, await server.create_user("b@example.com"), "foreign")
    await caller.ask(x_trace_id="same")
    await stranger.ask(x_trace_id="same")
    await stranger.ask(x_trace_id="theirs")
    for each in (caller, stranger):
        assert len((await each.trace("same"))["requests"]) == 1
    unknown = (404, "trace not found")
    assert error_of(await caller.owner.get(f"{caller.path}/traces/theirs")) == unknown
    workspace = f"/api/workspaces/{caller.workspace_id}/traces/theirs"
    assert error_of(await caller.owner.get(workspace)) == unknown
    refused = await stranger.owner.get(f"{caller.path}/traces/same")
    assert error_of(refused) == (403, "not a workspace member")


async def test_traces_outlive_their_sandbox(caller: Caller) -> None:
    await caller.ask(x_trace_id="mine")
    ok(await caller.owner.request("DELETE", caller.path))
    workspace = f"/api/workspaces/{caller.workspace_id}/traces"
    assert [each["id"] for each in (await caller.owner.read(workspace))["traces"]] == ["mine"]
    assert error_of(await caller.owner.get(f"{caller.path}/traces")) == (404, "sandbox not found")


# --- who may --------------------------------------------------------------------------------------


async def test_without_a_valid_token_nothing_is_answered(caller: Caller) -> None:
    client = caller.server.client
    missing = await client.post("/v1/messages", json=QUESTION)
    assert (missing.status_code, missing.json()["error"]) == (
        401,
        {"type": "authentication_error", "message": "missing api key"},
    )
    wrong = await client.post(
        "/v1/chat/completions", json=QUESTION, headers={"Authorization": "Bearer wrong"}
    )
    assert wrong.status_code == 401
    assert wrong.json()["error"]["code"] == "invalid_api_key"
    assert (await client.get("/v1/models", headers={"Cookie": caller.owner.cookie})).status_code


async def test_x_api_key_comes_before_a_bearer_token(caller: Caller) -> None:
    ok(await caller.ask(authorization="Bearer wrong"))
    assert (await caller.ask(authorization=f"bearer {caller.token}", x_api_key="")).is_success
    both = await caller.ask(authorization=f"Bearer {caller.token}", x_api_key="wrong")
    assert both.status_code == 401


@pytest.mark.parametrize("status", ["creating", "pausing", "paused", "resuming", "offline"])
async def test_only_an_active_sandbox_may_call(
    server: ReferenceServer, owner: User, status: str
) -> None:
    caller = await add_caller(server, owner, status=status)
    answer = await caller.ask()
    if status == "creating":
        assert answer.is_success
    else:
        assert answer.status_code == 403
        assert answer.json()["error"] == {
            "type": "permission_error",
            "message": "sandbox not active",
        }
        assert (await caller.traces())["total"] == 0


async def test_the_token_of_a_deleted_sandbox_is_invalid(caller: Caller) -> None:
    ok(await caller.owner.request("DELETE", caller.path))
    assert (await caller.ask()).status_code == 401


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
async def test_a_workspaces_token_calls_for_no_sandbox(
    server: ReferenceServer, caller: Caller, header: str
) -> None:
    token = await workspace_token(server, caller.workspace_id)
    headers = {header: f"Bearer {token}" if header == "authorization" else token}
    client = server.client
    ok(await client.post("/v1/messages", json=QUESTION, headers=headers))
    ok(await client.post("/v1/messages/count_tokens", json=QUESTION, headers=headers))
    assert await caller.usage() == []
    assert (await caller.traces())["total"] == 0
    path = f"/api/workspaces/{caller.workspace_id}"
    (trace,) = (await caller.owner.read(f"{path}/traces"))["traces"]
    assert (trace["sandbox_id"], trace["request_count"]) == ("", 1)
    (request,) = (await caller.owner.read(f"{path}/traces/{trace['id']}"))["requests"]
    assert (request["sandbox_id"], request["output_tokens"]) == ("", OF_MESSAGES["output_tokens"])
    await caller.limit(caller.owner, 1)
    assert (await client.post("/v1/messages", json=QUESTION, headers=headers)).status_code == 429


async def test_a_workspaces_token_is_no_credential_of_the_api(
    server: ReferenceServer, caller: Caller
) -> None:
    token = await workspace_token(server, caller.workspace_id)
    headers = {"Authorization": f"Bearer {token}", "Cookie": f"agentserver-token={token}"}
    answer = await server.client.get(f"/api/workspaces/{caller.workspace_id}", headers=headers)
    assert error_of(answer) == (401, "unauthorized")


async def test_a_call_is_activity(server: ReferenceServer, caller: Caller) -> None:
    server.clock.advance(minutes=5)
    await caller.ask("/v1/messages/count_tokens")
    assert (await caller.owner.read(caller.path))["last_activity_at"] == "2026-11-23T10:05:00Z"
    server.clock.advance(minutes=5)
    await caller.ask()
    assert (await caller.owner.read(caller.path))["last_activity_at"] == "2026-11-23T10:10:00Z"


# --- requests per day -----------------------------------------------------------------------------


async def test_of_twenty_at_once_as_many_pass_as_the_limit_allows(caller: Caller) -> None:
    await caller.limit(caller.owner, 5)
    answers = await asyncio.gather(*(caller.ask() for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 15
    assert (await caller.usage())[0]["request_count"] == 5
    assert (await caller.traces())["total"] == 5


async def test_a_limit_ends_at_midnight(server: ReferenceServer, caller: Caller) -> None:
    await caller.limit(caller.owner, 1)
    ok(await caller.ask())
    refused = await caller.ask()
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == str(14 * 3600 + 1)
    assert refused.json()["error"] == {
        "type": "rate_limit_error",
        "message": "workspace requests per day quota exceeded (1/1)",
    }
    as_openai = await caller.ask("/v1/responses", {"model": "any", "input": "Hello"})
    assert as_openai.json()["error"]["code"] == "rate_limit_exceeded"
    server.clock.advance(hours=14, seconds=1)
    ok(await caller.ask())


async def test_a_call_that_fails_is_given_back(caller: Caller) -> None:
    await caller.limit(caller.owner, 1)
    refused = await caller.ask(body={"model": "any", "messages": []})
    assert refused.status_code == 400
    assert refused.json()["error"] == {
        "type": "invalid_request_error",
        "message": "messages: must not be empty",
    }
    assert await caller.usage() == []
    (trace,) = (await caller.traces())["traces"]
    assert trace["request_count"] == 0
    ok(await caller.ask())


async def test_the_default_limit_is_for_workspaces_without_their_own() -> None:
    async with start_server(in_memory(), llm_proxy_default_max_rpd=1) as server:
        caller = await add_caller(server, await server.create_user("owner@example.com"))
        assert [(await caller.ask()).status_code for _ in range(2)] == [200, 429]
        await caller.limit(caller.owner, 0)
        ok(await caller.ask())


# --- the built-in model ---------------------------------------------------------------------------


def events_of(text: str) -> list[dict[str, Any]]:
    """The events of a stream."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line[:6] == "data: "]
    return [json.loads(line) for line in lines if line != "[DONE]"]


async def test_it_says_the_same_streamed_or_not(caller: Caller) -> None:
    whole = ok(await caller.ask()).json()
    assert whole["content"] == [{"type": "text", "text": SAID}]
    assert (whole["model"], whole["stop_reason"]) == ("built-in", "end_turn")
    events = events_of(ok(await caller.ask(body=QUESTION | {"stream": True})).text)
    deltas = [each["delta"] for each in events if each["type"] == "content_block_delta"]
    assert "".join(delta["text"] for delta in deltas) == SAID


@pytest.mark.parametrize("asks", [False, True])
async def test_a_chat_that_did_not_ask_for_its_usage_does_not_get_it(
    caller: Caller, asks: bool
) -> None:
    body = QUESTION | {"stream": True}
    if asks:
        body |= {"stream_options": {"include_usage": True}}
    text = ok(await caller.ask("/v1/chat/completions", body)).text
    assert text.endswith("data: [DONE]\n\n")
    assert [each["usage"]["total_tokens"] for each in events_of(text) if "usage" in each] == (
        [1 + OF_MESSAGES["output_tokens"]] if asks else []
    )
    assert (await caller.usage())[0]["output_tokens"] == OF_MESSAGES["output_tokens"]


async def test_it_stops_at_the_limit_of_tokens(caller: Caller) -> None:
    cut = ok(await caller.ask(body=QUESTION | {"max_tokens": 3})).json()
    assert (cut["content"][0]["text"], cut["stop_reason"]) == ("This is the ", "max_tokens")
    assert cut["usage"]["output_tokens"] == 3


TOOL = {"name": "weather", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("said", "choice", "arguments"),
    [
        ('Please use weather {"city": "Rome"}', "auto", {"city": "Rome"}),
        ("call `weather`", "auto", {}),
        ("call weather {broken", "auto", {}),
        ("How is the weather?", "auto", None),
        ("call weathervane", "auto", None),
        ("call weather", "none", None),
        ("Hello", "any", {}),
    ],
)
async def test_a_tool_is_called_where_the_message_asks_for_it(
    caller: Caller, said: str, choice: str, arguments: dict[str, str] | None
) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": said}]}]
    body = QUESTION | {"messages": messages, "tools": [TOOL], "tool_choice": {"type": choice}}
    answer = ok(await caller.ask(body=body)).json()
    if arguments is None:
        assert answer["stop_reason"] == "end_turn"
    else:
        (block,) = answer["content"]
        assert (block["name"], block["input"]) == ("weather", arguments)
        assert answer["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", []),
        ("/v1/messages", {"messages": QUESTION["messages"]}),
        ("/v1/messages", QUESTION | {"messages": "Hello"}),
        ("/v1/messages", QUESTION | {"messages": [1]}),
        ("/v1/messages", QUESTION | {"max_tokens": 0}),
        ("/v1/messages", QUESTION | {"tools": {}}),
        ("/v1/chat/completions", {"model": "any"}),
        ("/v1/responses", {"model": "any", "input": 1}),
        ("/v1/responses", {"model": "any", "input": []}),
    ],
)
async def test_what_it_cannot_read_is_refused(caller: Caller, path: str, body: Any) -> None:
    answer = await caller.ask(path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_body_may_have_ten_megabytes(caller: Caller) -> None:
    large = QUESTION | {"messages": [{"role": "user", "content": "x" * 2_000_000}]}
    ok(await caller.ask(body=large))
    too_large = QUESTION | {"messages": [{"role": "user", "content": "x" * 10_500_000}]}
    refused = await caller.ask(body=too_large)
    assert refused.status_code == 413
    assert refused.json()["error"]["type"] == "request_too_large"


# --- tokens ---------------------------------------------------------------------------------------


async def test_a_simulated_sandbox_leaves_its_token_in_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    async with start_server(in_memory(), sandbox_token_dir=folder) as server:
        owner = await server.create_user("owner@example.com")
        path = f"/api/workspaces/{await owner.create_workspace()}/sandboxes"
        created = ok(await owner.request("POST", path, {"name": "A sandbox"})).json()
        async with asyncio.timeout(30):
            while (  # noqa: ASYNC110 - a background task of the server is waited for
                await owner.read(f"/api/sandboxes/{created['id']}")
            )["status"] != "running":
                await asyncio.sleep(0)
        file = folder / created["id"]
        assert file.stat().st_mode & 0o777 == 0o600
        found = await server.store.read(
            sandboxes.find_by_token, token_hash(file.read_text(encoding="ascii"))
        )
        assert found is not None
        assert found["id"] == created["id"]
        ok(await owner.request("DELETE", f"/api/sandboxes/{created['id']}"))
        assert not file.exists()


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ({"x-trace-id": "mine", "x-session-id": "s"}, Trace("mine", "header")),
        ({"x-opencode-session": "s", "x-session-id": "t"}, Trace("at-s", "opencode")),
        ({"x-session-id": "s"}, Trace("at-s", "opencode")),
        ({"x-claude-code-session-id": "s"}, Trace("at-s", "claudecode")),
        ({"x-trace-id": "not one", "x-session-id": "s"}, Trace("at-s", "opencode")),
        ({"x-trace-id": "a/b", "x-session-id": "x" * 198}, Trace("at-new", "auto")),
        ({"x-trace-id": "x" * 201}, Trace("at-new", "auto")),
        ({}, Trace("at-new", "auto")),
    ],
)
def test_a_trace_is_named_by_headers(headers: dict[str, str], trace: Trace) -> None:
    assert trace_of(headers, "X-Trace-Id", "at-", lambda: "new") == trace


def test_a_stream_is_read_in_whatever_pieces_it_comes() -> None:
    text = (
        b'event: message_start\r\ndata: {"type":"message_start","message":{"id":"m","model":"c",'
        b'"usage":{"input_tokens":11,"cache_creation_input_tokens":3,"cache_read_input_tokens":5,'
        b'"output_tokens":1}}}\r\n\r\ndata: {"type":"content_block_delta"}\r\n\r\n'
        b'data: {"type":"message_delta","usage":{"output_tokens":7}}\r\n\r\n'
        b'data: {"type":"message_stop"}\r\n\r\ndata: nonsense\r\n\r\ndata: [1]\r\n\r\n'
    )
    for size in (1, 7, len(text)):
        meter = Meter(streaming=True)
        begun = []
        for start in range(0, len(text), size):
            meter.feed(text[start : start + size])
            begun.append(meter.has_begun)
        assert meter.is_complete
        assert size == len(text) or not begun[0]
        outcome = meter.outcome
        assert (outcome.model, outcome.message_id) == ("c", "m")
        assert (outcome.input_tokens, outcome.output_tokens) == (11, 7)
        assert (outcome.cache_creation_input_tokens, outcome.cache_read_input_tokens) == (3, 5)


def test_counts_that_are_none_are_ignored() -> None:
    meter = Meter(streaming=False)
    usage = {"prompt_tokens": -1, "completion_tokens": True, "input_tokens": "9"}
    details = {"prompt_tokens_details": {"cached_tokens": 4}}
    meter.feed(json.dumps({"id": 7, "model": "a\0b\ud800", "usage": usage | details}).encode())
    meter.end()
    outcome = meter.outcome
    assert (outcome.model, outcome.message_id) == ("ab?", "")
    assert (outcome.input_tokens, outcome.output_tokens) == (0, 0)
    assert outcome.cache_read_input_tokens == 4
