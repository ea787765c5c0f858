"""An answer that cannot be read is an answer: it is not fetched again, and its status is known."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import httpx
import pytest

from agentserver import (
    AsyncClient,
    Client,
    ConnectionFailed,
    NotFound,
    OutcomeUnknown,
    ResponseValidationError,
    ServiceUnavailable,
    TimedOut,
    Timeout,
)

PACKED = gzip.compress(b'{"id": 7}')

UNREADABLE = {
    "plain, said to be gzip": (b'{"id": 7}', "gzip"),
    "gzip that is cut": (PACKED[:-9], "gzip"),
    "gzip with a wrong checksum": (PACKED[:-8] + b"12345678", "gzip"),
    "gzip twice": (gzip.compress(PACKED), "gzip, gzip"),
    "an encoding that was not requested": (b"\x1b\x07\x00", "br"),
}

both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


def outcome(url: str, made: Any, asynchronous: bool, **settings: Any) -> Any:
    """The result of a call by either client, or its error."""

    async def call_async() -> Any:
        async with AsyncClient(url, **settings) as client:
            return await client._call(made)

    try:
        if asynchronous:
            return asyncio.run(call_async())
        with Client(url, **settings) as client:
            return client._call(made)
    except Exception as error:  # the test looks at it
        return error


@both
@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 201), ("PUT", 200)])
def test_a_body_that_cannot_be_unpacked_is_fetched_once(
    method, status, kind, asynchronous, server, answer, call
) -> None:
    body, encoding = UNREADABLE[kind]
    server.will(*[answer(status, body, headers={"Content-Encoding": encoding})] * 2)
    error = outcome(server.url, call(method, success=status), asynchronous)
    assert type(error) is ResponseValidationError, repr(error)
    assert (error.status_code, error.attempts, len(server.requests)) == (status, 1, 1)
    assert "the answer's body cannot be read" in error.message
    assert error.__context__ is None


@both
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "gzip, identity", "identity"])
def test_a_body_in_an_encoding_that_was_asked_for_is_read(
    encoding, asynchronous, server, answer, call
) -> None:
    body = b'{"id": 7}' if encoding == "identity" else PACKED
    server.will(answer(body=body, headers={"Content-Encoding": encoding}))
    assert outcome(server.url, call(), asynchronous) == {"id": 7}


def test_no_body_at_all_may_be_said_to_be_gzip(server, answer, call) -> None:
    server.will(answer(200, b"", headers={"Content-Encoding": "gzip"}))
    assert outcome(server.url, call("DELETE", content=False), False) is None


@both
def test_an_error_with_an_unreadable_body_is_that_error(asynchronous, server, answer, call) -> None:
    server.will(answer(404, b"gone", headers={"Content-Encoding": "gzip"}))
    error = outcome(server.url, call("POST"), asynchronous)
    assert type(error) is NotFound
    assert error.message == "the answer's body cannot be read: it is not gzip as declared"


def test_a_status_that_asks_for_a_retry_does_so_whatever_its_body(server, answer, call) -> None:
    busy = answer(503, b"busy", headers={"Content-Encoding": "gzip", "Retry-After": "0"})
    server.will(busy, answer(body=b"1"), *[busy] * 2)
    assert outcome(server.url, call("POST"), False) == 1
    error = outcome(server.url, call("POST"), False, max_retries=1)
    assert type(error) is ServiceUnavailable


@both
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_write_whose_answer_breaks_off_is_known_to_have_happened(
    method, asynchronous, server, answer, call
) -> None:
    server.will(answer(201, b'{"id":', then="truncate"))
    error = outcome(server.url, call(method, success=201), asynchronous)
    assert type(error) is ResponseValidationError
    assert (error.status_code, error.attempts) == (201, 1)
    assert error.message == "the connection broke, in the middle of its body"


@both
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_may_be_sent_twice_is_fetched_again_when_its_answer_breaks_off(
    method, asynchronous, server, answer, call
) -> None:
    cut = answer(200, b'{"id":', then="truncate")
    server.will(cut, answer(body=b"1"), cut)
    assert outcome(server.url, call(method), asynchronous) == 1
    error = outcome(server.url, call(method), asynchronous, max_retries=0)
    assert type(error) is (ConnectionFailed if method == "GET" else ResponseValidationError)
    assert error.status_code == 200


def test_an_error_whose_body_breaks_off_is_that_error(server, answer, call) -> None:
    server.will(answer(404, b"not", then="truncate"))
    error = outcome(server.url, call("POST"), False)
    assert type(error) is NotFound
    assert error.attempts == 1


def test_a_gateways_error_that_breaks_off_leaves_the_outcome_unknown(server, answer, call) -> None:
    cut, gone = answer(502, b"bad", then="truncate"), answer(404, b"no", type="text/plain")
    server.will(cut, gone)
    error = outcome(server.url, call("DELETE"), False)
    assert type(error) is OutcomeUnknown
    assert (error.phase, error.cause) == ("answer", "status 502")


def late_body(request: httpx.Request) -> httpx.Response:
    def body() -> Any:
        yield b'{"id":'
        raise httpx.ReadTimeout("no answer")

    return httpx.Response(201, headers={"Content-Type": "application/json"}, content=body())


def test_a_write_whose_answer_does_not_end_is_known_to_have_happened(call) -> None:
    transport = httpx.MockTransport(late_body)
    settings = {"transport": transport, "max_retries": 0, "timeout": Timeout(read=1)}
    error = outcome("https://agents.example", call("POST", success=201), False, **settings)
    assert type(error) is ResponseValidationError
    assert error.status_code == 201
    error = outcome("https://agents.example", call(), False, **settings)
    assert type(error) is TimedOut
    assert (error.status_code, error.phase, error.sent) == (201, "read", True)


def test_what_a_transport_of_the_callers_cannot_decode_is_an_answer_too(call) -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, headers={"Content-Encoding": "gzip"}, content=b"plain")

    settings = {"transport": httpx.MockTransport(answered)}
    error = outcome("https://agents.example", call("POST", success=201), False, **settings)
    assert type(error) is ResponseValidationError
    assert error.attempts == 1
