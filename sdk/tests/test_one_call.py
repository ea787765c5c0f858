"""What can be said for one call: raw answers, options of its own, routes that are not listed."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from typing import Any

import httpx
import pytest

from agentserver import (
    AgentserverError,
    ArgumentError,
    AsyncClient,
    CallOptions,
    Client,
    ConfigurationError,
    InsecureConnection,
    NotFound,
    Page,
    Response,
    ResponseValidationError,
    Secret,
    TimedOut,
)
from agentserver.models import Workspace

WORKSPACE = {
    "id": "w1",
    "name": "Loom",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}
both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


def run(url: str, asynchronous: bool, use: Any, **settings: Any) -> Any:
    """What `use` returns of a call by either client."""

    async def run_async() -> Any:
        async with AsyncClient(url, **settings) as client:
            return await use(client)

    if asynchronous:
        return asyncio.run(run_async())
    with Client(url, **settings) as client:
        return use(client)


# --- raw answers ----------------------------------------------------------------------------------


@both
def test_a_raw_response_has_what_came_beside_the_result(asynchronous, server, answer) -> None:
    headers = {"X-Request-Id": "theirs", "X-Cost": "7", "Set-Cookie": "agentserver-token=new"}
    server.will(
        answer(503, headers={"Retry-After": "0"}),
        answer(body=json.dumps(WORKSPACE).encode(), headers=headers),
    )
    response = run(
        server.url,
        asynchronous,
        lambda client: client.with_raw_response.workspaces.get("w1"),
        session="s",
    )
    assert isinstance(response, Response)
    assert isinstance(response.data, Workspace)
    assert (response.data.name, response.status_code, response.attempts) == ("Loom", 200, 2)
    assert (response.request_id, response.headers["x-cost"]) == ("theirs", "7")
    assert response.elapsed > 0
    assert "set-cookie" not in response.headers
    assert "theirs" in repr(response)
    assert "x-cost" not in repr(response)


@both
def test_raw_responses_are_had_below_every_resource(asynchronous, server, answer) -> None:
    server.will(answer(body=b"[]"), answer(404, b"no\n", type="text/plain"))
    response = run(
        server.url,
        asynchronous,
        lambda client: client.with_raw_response.workspaces.members.list("w1"),
        session="s",
    )
    assert response.data == Page()
    assert server.requests[0].headers["x-request-id"] == response.request_id
    with pytest.raises(NotFound):
        run(
            server.url,
            asynchronous,
            lambda client: client.with_raw_response.workspaces.members.list("w1"),
            session="s",
        )


def test_a_client_with_other_options_has_raw_responses_too(server, answer) -> None:
    server.will(answer(body=b"[{}]"))
    with Client(server.url, session="s") as client, pytest.raises(ResponseValidationError):
        client.with_options(strict=True).with_raw_response.workspaces.list()


# --- options of one call --------------------------------------------------------------------------


@both
def test_headers_are_added_for_one_call(asynchronous, server, answer) -> None:
    server.will(*[answer(body=b"[]")] * 2)
    headers = {"X-Team": "a", "accept": "application/json", "Authorization": Secret("Basic eA==")}

    async def use_async(client: Any) -> None:
        await client.workspaces.list(extra_headers=headers)
        await client.workspaces.list()

    def use(client: Any) -> None:
        client.workspaces.list(extra_headers=headers)
        client.workspaces.list()

    run(server.url, asynchronous, use_async if asynchronous else use, session="s")
    first, second = [request.headers for request in server.requests]
    assert (first["x-team"], first["accept"]) == ("a", "application/json")
    assert first["authorization"] == "Basic eA=="
    assert "x-team" not in second
    assert second["accept"] == "application/json, text/plain"


def test_headers_of_the_client_the_copy_and_the_call_come_together(server, answer) -> None:
    server.will(*[answer(body=b"[]")] * 2)
    with Client(server.url, session="s", extra_headers={"A": "1", "B": "1", "C": "1"}) as client:
        other = client.with_options(extra_headers={"b": "2", "D": "2"})
        other.workspaces.list(extra_headers={"C": "3"})
        client.workspaces.list()
    first, second = [request.headers for request in server.requests]
    assert [first[name] for name in "abcd"] == ["1", "2", "3", "2"]
    assert [second.get(name) for name in "abcd"] == ["1", "1", "1", None]


def test_a_request_id_of_ones_own_is_the_id_of_the_call(server, answer) -> None:
    server.will(answer(404, b"no\n", type="text/plain"))
    with Client(server.url, session="s") as client, pytest.raises(NotFound) as caught:
        client.workspaces.get("w", extra_headers={"x-request-id": "mine-1"})
    assert server.requests[0].headers["x-request-id"] == "mine-1"
    assert caught.value.request_id == "mine-1"


@both
def test_time_limits_and_retries_hold_for_one_call(asynchronous, server, answer) -> None:
    server.will(answer(then="hang"), answer(503))
    for options in ({"timeout": 0.05, "max_retries": 0}, {"deadline": 0.05}):
        server.will(answer(then="hang"))
        with pytest.raises(TimedOut):
            run(
                server.url,
                asynchronous,
                lambda client, options=options: client.workspaces.list(**options),
                session="s",
            )
        server._script.clear()
        server.will(answer(then="hang"))


def test_an_option_that_there_is_not_is_an_error(flow) -> None:
    client = flow.client(session="s")
    with pytest.raises(TypeError, match="unexpected keyword argument: tiemout"):
        client.workspaces.list(tiemout=3)
    with pytest.raises(ConfigurationError, match="timeout"):
        client.workspaces.list(timeout=None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "other.example"},
        {"content-length": "7"},
        {"Cookie": "a=b"},
        {"A b": "c"},
        {"": "c"},
        {"A": "b\r\nC: d"},
        {"A": "é\ud800"},
        {"A": " b"},
        {"A": 7},
        {7: "a"},
        {"Authorization": "Basic plain"},
        {"X-Request-Id": "a b"},
        {"X-Request-Id": ""},
        [("A", "b")],
        "A: b",
    ],
    ids=repr,
)
def test_a_header_that_cannot_be_added_is_refused(headers, flow) -> None:
    with pytest.raises(ConfigurationError, match="extra_headers"):
        flow.client(extra_headers=headers)
    with pytest.raises(ConfigurationError, match="extra_headers"):
        flow.client().health.check(extra_headers=headers)


def test_a_header_that_is_a_credential_goes_nowhere_else(flow, call, reply) -> None:
    value = Secret("s3cr3t value")
    client = flow.client(extra_headers={"X-Key": value})
    away, echo = (
        reply(302, location="https://other.example/"),
        reply(404, {"error": "s3cr3t value"}),
    )
    run = flow.run(call(), away, echo, client=client)
    assert [bool(sent.extra_headers) for sent in run.sent] == [True, False]
    assert "s3cr3t" not in str(run.error)
    assert run.error.body == '{"error": "***"}'
    with pytest.raises(InsecureConnection):
        Client("http://agents.example", extra_headers={"X-Key": value}).health.check()


def test_the_options_of_a_call_are_those_that_the_generator_keeps_free() -> None:
    source = "from operations import CALL_OPTIONS; print(*sorted(CALL_OPTIONS))"
    from pathlib import Path

    folder = Path(__file__).parents[1] / "generator"
    found = subprocess.check_output([sys.executable, "-c", source], cwd=folder, text=True)
    assert found.split() == sorted(CallOptions.__annotations__)


# --- routes that the contract does not list -------------------------------------------------------


@both
def test_a_route_that_is_not_listed_can_be_called(asynchronous, server, answer) -> None:
    server.will(answer(201, b'{"made": true}', headers={"X-Cost": "7"}))
    response = run(
        server.url,
        asynchronous,
        lambda client: client.request(
            "post",
            "/api/new thing/a%2Fb",
            json={"a": [1, Secret("pw")]},
            params={"q": ["x y", 2], "on": True},
            extra_headers={"X-Team": "a"},
        ),
        session="s",
    )
    assert (response.data, response.status_code) == ({"made": True}, 201)
    assert response.headers["x-cost"] == "7"
    [request] = server.requests
    assert (request.method, request.path) == (
        "POST",
        "/api/new%20thing/a%2Fb?q=x%20y&q=2&on=true",
    )
    assert json.loads(request.body) == {"a": [1, "pw"]}
    assert request.headers["cookie"] == "agentserver-token=s"
    assert request.headers["x-team"] == "a"


CONTENTS = {
    "JSON": ("application/json; charset=utf-8", b"[1]", [1]),
    "JSON of its own kind": ("application/vnd.api+json", b"null", None),
    "text": ("text/csv", "é,1".encode(), "é,1"),
    "bytes": ("application/octet-stream", b"\x00\xff", b"\x00\xff"),
    "none": ("application/json", b"", None),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_its_content_is_read_by_its_type(kind, flow, call, reply) -> None:
    media_type, body, data = CONTENTS[kind]
    transport = httpx.MockTransport(
        lambda request: httpx.Response(207, headers={"Content-Type": media_type}, content=body)
    )
    with flow.client(transport=transport, strict=True) as client:
        assert client.request("GET", "/x").data == data


def test_its_errors_are_those_of_any_call(flow) -> None:
    answers = iter([httpx.Response(404, text="no"), httpx.Response(200, json=1, text="")])
    transport = httpx.MockTransport(lambda request: next(answers))
    with flow.client(transport=transport) as client, pytest.raises(NotFound) as caught:
        client.request("GET", "/api/things/7")
    error = caught.value
    assert str(error).startswith("GET /api/things/7 404: no [request ")
    assert (error.method, error.path) == ("GET", "/api/things/7")
    broken = httpx.MockTransport(
        lambda request: httpx.Response(
            200, headers={"Content-Type": "application/json"}, content=b"{"
        )
    )
    with flow.client(transport=broken) as client, pytest.raises(ResponseValidationError):
        client.request("GET", "/x")


@pytest.mark.parametrize(
    ("credentials", "signed"),
    [
        ({}, (False, False)),
        ({"session": "s"}, (True, False)),
        ({"token": "t"}, (False, True)),
        ({"session": "s", "token": "t"}, (True, False)),
    ],
)
def test_it_is_signed_with_what_the_client_has(credentials, signed, server, answer) -> None:
    server.will(answer(body=b"1"))
    with Client(server.url, **credentials) as client:
        client.request("GET", "/x")
    headers = server.requests[0].headers
    assert ("cookie" in headers, "authorization" in headers) == signed


def test_a_client_logs_in_for_it(server, answer) -> None:
    login = answer(body=b'{"status": "ok"}', headers={"Set-Cookie": "agentserver-token=new"})
    server.will(login, answer(body=b"1"))
    with Client(server.url, email="a@a.example", password="word word") as client:
        client.request("DELETE", "/x")
    assert server.requests[1].headers["cookie"] == "agentserver-token=new"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "x"),
        ("GET", ""),
        ("GET", "https://other.example/x"),
        ("GET", "/x?y=1"),
        ("GET", "/x#y"),
        ("GET", "/a/../b"),
        ("GET", "/a/%2e%2E/b"),
        ("GET", "/."),
        ("GET", "/a\\b"),
        ("GET", "/a\nb"),
        ("GET", "/\ud800"),
        ("GET", None),
        ("G T", "/x"),
        ("", "/x"),
        (None, "/x"),
    ],
)
def test_a_route_that_cannot_be_called_is_refused(method, path, flow) -> None:
    with flow.client() as client, pytest.raises(ArgumentError, match="method|path"):
        client.request(method, path)


@pytest.mark.parametrize("body", [{"a": {1, 2}}, float("nan"), object(), {1: 2}])
def test_a_body_that_json_has_no_form_for_is_refused(body, flow) -> None:
    with flow.client() as client, pytest.raises(ArgumentError, match="json"):
        client.request("POST", "/x", json=body)


@pytest.mark.parametrize("body", [None, [], "text", 7, False])
def test_any_json_can_be_its_body(body, server, answer) -> None:
    server.will(answer(204, b""))
    with Client(server.url) as client:
        assert client.request("PUT", "/x", json=body).data is None
    assert json.loads(server.requests[0].body) == body


# --- tables ---------------------------------------------------------------------------------------


def test_a_page_becomes_a_table() -> None:
    page = Page([Workspace.from_dict(WORKSPACE)])
    assert page.to_dicts() == [WORKSPACE]
    assert Page(["a", {"b": 1}]).to_dicts() == [{"value": "a"}, {"b": 1}]
    assert Page().to_dicts() == []


# --- the environment's log ------------------------------------------------------------------------

PROGRAM = """
import logging
{before}
import httpx
from agentserver import Client
answers = httpx.MockTransport(lambda request: httpx.Response(200, json=[]))
with Client("http://127.0.0.1:1", session="hidden-session", transport=answers) as client:
    client.workspaces.list()
"""


def logged(monkeypatch: Any, value: str, before: str = "") -> list[str]:
    monkeypatch.setenv("AGENTSERVER_LOG", value)
    code = PROGRAM.format(before=before)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ended.stderr.splitlines()


def test_the_environment_can_switch_the_log_on(monkeypatch) -> None:
    [line] = logged(monkeypatch, "info")
    assert " agentserver INFO list_workspaces 200 " in line
    debug, info = logged(monkeypatch, " DEBUG ")
    assert "agentserver DEBUG list_workspaces attempt 1: 200 {'content-" in debug
    assert "INFO" in info
    assert "hidden-session" not in debug + info
    assert logged(monkeypatch, "") == []


def test_a_program_that_logs_by_itself_prints_each_line_once(monkeypatch) -> None:
    lines = logged(monkeypatch, "info", "logging.basicConfig(format='mine %(message)s')")
    assert len(lines) == 1
    assert lines[0].startswith("mine list_workspaces")


def test_a_level_that_there_is_not_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("AGENTSERVER_LOG", "everything")
    with pytest.raises(ConfigurationError, match="AGENTSERVER_LOG must be info or debug"):
        Client("https://a.example")


# --- other event loops ----------------------------------------------------------------------------


def run_without_asyncio(coroutine: Any) -> None:
    """As another library would: no event loop of asyncio runs."""
    try:
        coroutine.send(None)
    finally:
        coroutine.close()


def test_an_async_client_says_at_once_that_it_needs_asyncio() -> None:
    client = AsyncClient("https://a.example")
    for made in (client.__aenter__(), client.health.check(), client.request("GET", "/x")):
        with pytest.raises(ConfigurationError, match="needs asyncio.*Trio.*Client in a thread"):
            run_without_asyncio(made)
    assert issubclass(ConfigurationError, AgentserverError)
    assert logging.getLogger("agentserver").handlers
