"""One call: what is put on the wire, and what is made of the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from math import inf
from typing import Any
from uuid import UUID

import pytest

from agentserver import (
    ArgumentError,
    AsyncClient,
    Client,
    ConnectionFailed,
    OutcomeUnknown,
    ResponseValidationError,
    TimedOut,
    Timeout,
)
from agentserver._decoding import DecodeError
from agentserver._limits import TimeLimits
from agentserver._secret import Secret


def test_a_request_is_what_the_call_says(server, answer, call) -> None:
    server.will(answer(201, b'{"id": 7}'))
    query = (("a", "x y&z"), ("a", "é"), ("b", ""))
    body = {"name": "Ä \u2028", "password": Secret("pw pw"), "n": 1.5, "none": None}
    with Client(server.url + "/prefix/") as client:
        made = call("POST", path="/api/a%2Fb/c", query=query, body=body, success=201)
        assert client._call(made) == {"id": 7}
    [request] = server.requests
    assert (request.method, request.path) == (
        "POST",
        "/prefix/api/a%2Fb/c?a=x%20y%26z&a=%C3%A9&b=",
    )
    assert json.loads(request.body) == {
        "name": "Ä \u2028",
        "password": "pw pw",
        "n": 1.5,
        "none": None,
    }
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("agentserver-python/")
    assert request.headers["accept"] == "application/json, text/plain"
    assert UUID(request.headers["x-request-id"])


def test_a_call_without_a_body_says_so(server, answer, call) -> None:
    server.will(answer(), answer())
    with Client(server.url) as client:
        client._call(call("POST"))
        client._call(call("GET"))
    assert server.requests[0].headers["content-length"] == "0"
    assert all("content-type" not in request.headers for request in server.requests)


def test_repeats_and_redirects_carry_the_same_request_id(flow, call, reply) -> None:
    run = flow.run(call(), reply(503), reply(302, location="/b"), reply())
    assert {sent.request_id for sent in run.sent} == {"request-1"}
    assert flow.run(call(), reply()).sent[0].request_id == "request-2"


def test_sync_and_async_put_the_same_on_the_wire(server, answer, call) -> None:
    made = call("PUT", query=(("q", "1"),), body={"a": [1]}, security=("sessionCookie",))
    server.will(*[answer(503, headers={"Retry-After": "0"}), answer(body=b"[1]")] * 2)
    with Client(server.url, session="s") as client:
        result = client._call(made)

    async def same() -> Any:
        async with AsyncClient(server.url, session="s") as client:
            return await client._call(made)

    assert asyncio.run(same()) == result == [1]
    sent = [
        (r.method, r.path, r.body, {k: v for k, v in r.headers.items() if k != "x-request-id"})
        for r in server.requests
    ]
    assert sent[:2] == sent[2:]


# --- arguments that JSON cannot hold --------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes", {"deep": float("-inf")}]
)
def test_an_argument_without_a_form_in_json_is_refused_by_name(value, flow, call) -> None:
    run = flow.run(call("POST", body={"fine": 1, "culprit": value}))
    assert isinstance(run.error, ArgumentError)
    assert str(run.error) == "culprit: JSON has no form for this value"
    assert not run.sent


def test_an_argument_nested_beyond_reason_is_refused(flow, call) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert isinstance(flow.run(call("POST", body={"deep": deep})).error, ArgumentError)


# --- answers --------------------------------------------------------------------------------------


def test_an_operation_without_content_returns_none(server, answer, call) -> None:
    server.will(answer(204, b""))
    with Client(server.url, strict=True) as client:
        assert client._call(call("DELETE", success=204, content=False)) is None


NO_ANSWERS = {
    "a web page": (200, "text/html; charset=utf-8", b"<!doctype html><title>App</title>"),
    "text": (200, "text/plain", b"ok"),
    "broken JSON": (200, "application/json", b'{"a": '),
    "two JSON values": (200, "application/json", b"{} {}"),
    "NaN": (200, "application/json", b'{"a": NaN}'),
    "Infinity": (200, "application/json", b"[-Infinity]"),
    "a number beyond floats": (200, "application/json", b"1e999"),
    "a number of 5000 digits": (200, "application/json", b"9" * 5000),
    "nesting beyond reason": (200, "application/json", b"[" * 100_000 + b"]" * 100_000),
    "bytes that are no UTF-8": (200, "application/json", b'"\xff"'),
    "UTF-16": (200, "application/json", '{"a": 1}'.encode("utf-16")),
    "nothing": (200, "application/json", b""),
}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("kind", NO_ANSWERS)
def test_what_is_no_answer_of_the_api_raises_our_own_error(
    kind, strict, server, answer, call
) -> None:
    status, type_, body = NO_ANSWERS[kind]
    server.will(answer(status, body, type=type_))
    with (
        Client(server.url, strict=strict) as client,
        pytest.raises(ResponseValidationError) as caught,
    ):
        client._call(call())
    error = caught.value
    assert (error.json_path, error.status_code, error.body) == ("$", 200, None)
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_web_page_in_place_of_no_content_is_no_answer(flow, call, reply) -> None:
    run = flow.run(
        call("DELETE", success=204, content=False), reply(200, "<html>", type="text/html")
    )
    assert isinstance(run.error, ResponseValidationError)


def test_another_success_than_documented_still_decodes_unless_strict(flow, call, reply) -> None:
    made = call("POST", success=201)
    assert flow.run(made, reply(200)).result == "fine"
    assert isinstance(flow.run(made, reply(200), strict=True).error, ResponseValidationError)


def test_a_decoder_that_refuses_tells_where(flow, call, reply) -> None:
    def refuse(wire: object, decoding: object) -> None:
        raise DecodeError("$.items[3].role", "is a number, not a string")

    error = flow.run(call(decode=refuse), reply(200)).error
    assert isinstance(error, ResponseValidationError)
    assert error.json_path == "$.items[3].role"
    assert str(error) == (
        "some_operation 200: is a number, not a string [request request-1] at $.items[3].role"
    )
    assert error.__context__ is None


@pytest.mark.parametrize("strict", [False, True])
def test_decoders_are_told_how_to_read(strict, flow, call, reply) -> None:
    made = call(decode=lambda wire, decoding: decoding.strict)
    assert flow.run(made, reply(), strict=strict).result is strict


# --- failures over a real socket ------------------------------------------------------------------


def unused_url() -> str:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def outcome(url: str, made: Any, asynchronous: bool, **settings: Any) -> Exception:
    """The error of a call by either client."""

    async def call_async() -> None:
        async with AsyncClient(url, **settings) as client:
            await client._call(made)

    try:
        if asynchronous:
            asyncio.run(call_async())
        else:
            with Client(url, **settings) as client:
                client._call(made)
    except Exception as error:  # the test looks at it
        return error
    raise AssertionError("the call was to fail")


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@both
def test_a_server_that_is_not_there_cannot_be_connected_to(asynchronous, call) -> None:
    error = outcome(unused_url(), call("POST"), asynchronous, max_retries=0)
    assert isinstance(error, ConnectionFailed)
    assert (error.attempts, error.status_code) == (1, None)
    assert error.__context__ is None


@both
def test_a_connection_that_breaks_leaves_the_outcome_of_a_write_unknown(
    asynchronous, server, answer, call
) -> None:
    server.will(answer(then="close"), answer(then="close"))
    error = outcome(server.url, call("POST"), asynchronous)
    assert isinstance(error, OutcomeUnknown)
    assert (error.phase, error.cause) == ("read", "the connection broke")
    error = outcome(server.url, call("GET"), asynchronous, max_retries=0)
    assert type(error) is ConnectionFailed


@both
def test_a_silent_server_is_waited_for_no_longer_than_the_read_timeout(
    asynchronous, server, answer, call
) -> None:
    server.will(answer(then="hang"))
    error = outcome(server.url, call(), asynchronous, timeout=Timeout(read=0.05), max_retries=0)
    assert isinstance(error, TimedOut)
    assert (error.phase, error.sent) == ("read", True)


@both
def test_a_silent_server_is_waited_for_no_longer_than_the_deadline(
    asynchronous, server, answer, call
) -> None:
    server.will(answer(then="hang"))
    error = outcome(server.url, call(), asynchronous, timeout=Timeout.NONE, deadline=0.1)
    assert isinstance(error, TimedOut)
    assert error.attempts == 1
    assert error.elapsed < 5


def test_no_phase_of_an_attempt_is_given_more_than_the_deadline_leaves() -> None:
    now = 10.0
    limits = TimeLimits(Timeout(connect=5, read=30, write=30, pool=5), 18.0, lambda: now)
    assert limits.get("pool") == 5
    now = 14.0
    connect = limits.get("connect")
    assert connect == connect.left() == 4.0
    now = 17.5
    assert (limits.get("write"), connect.left()) == (0.5, 0.5)
    now = 30.0
    assert (limits.get("read"), limits.get("read").left()) == (0.001, -12.0)
    assert limits.phase == "read"
    assert limits.over()


def test_connecting_has_one_limit_and_each_read_its_own() -> None:
    now = 0.0
    limits = TimeLimits(Timeout(connect=5, read=7), 90.0, lambda: now)
    connect, read = limits.get("connect"), limits.get("read")
    now = 3.0
    assert (connect.left(), read.left()) == (2.0, 7.0)


def test_no_limit_is_a_number_that_sockets_take() -> None:
    limit = TimeLimits(Timeout.NONE, inf, lambda: 0.0).get("read")
    assert limit == limit.left() == 1_000_000.0


def test_an_answer_that_trickles_in_is_read_no_longer_than_the_deadline(flow, call) -> None:
    import httpx

    def trickle() -> Iterator[bytes]:
        for _ in range(100):
            flow.time += 1.0
            yield b" "

    transport = httpx.MockTransport(
        lambda request: httpx.Response(
            200, headers={"Content-Type": "application/json"}, content=trickle()
        )
    )
    client = flow.client(transport=transport, deadline=10.0)
    with client, pytest.raises(TimedOut) as caught:
        client._call(call())
    assert caught.value.elapsed == 10.0
