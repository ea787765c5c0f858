"""The deadline ends a call in every phase, whatever a broken or hostile server does."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hostile import (
    HEAD,
    Behaviour,
    Hostile,
    assert_ended_by_deadline,
    both,
    outcome,
    says,
)

from agentserver import ResponseValidationError, TimedOut, Timeout

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"


@pytest.fixture
def hostile() -> Iterator[Callable[[Behaviour], Hostile]]:
    started: list[Hostile] = []

    def start(behaviour: Behaviour) -> Hostile:
        started.append(Hostile(behaviour))
        return started[-1]

    yield start
    for server in started:
        server.stop()


EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"  # a piece of gzip that unpacks to nothing
GZIP_HEAD = gzip.compress(b"")[:10]

BEHAVIOURS: dict[str, Behaviour] = {
    "no answer": says(b""),
    "a status line byte by byte": says(b"HTTP/1.1 200 ", b"O"),
    "a header byte by byte": says(HEAD + b"X-Long: ", b"x"),
    "headers without end": says(HEAD, b"X: y\r\n"),
    "interim answers without end": says(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "interim answers as fast as can be": says(b"", b"HTTP/1.1 103 Early\r\n\r\n", fast=True),
    "a body byte by byte": says(HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "a body that stops": says(HEAD + b"Content-Length: 100000\r\n\r\n{"),
    "chunks without end": says(CHUNKED + b"\r\n", b"1\r\n \r\n"),
    "a chunk's extension without end": says(CHUNKED + b"\r\n1;", b"x"),
    "trailers without end": says(CHUNKED + b"\r\n0\r\n", b"X: y\r\n"),
    "gzip that unpacks to nothing": says(
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n" + GZIP_HEAD, EMPTY_BLOCK
    ),
    "gzip to nothing as fast as can be": says(
        CHUNKED + b"Content-Encoding: gzip\r\n\r\na\r\n" + GZIP_HEAD + b"\r\n",
        b"5\r\n" + EMPTY_BLOCK + b"\r\n",
        fast=True,
    ),
    "a body that ends with the connection": says(HEAD + b"Connection: close\r\n\r\n", b" "),
}


@both
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_the_deadline_ends_a_call_whatever_is_answered(
    behaviour, asynchronous, hostile, call
) -> None:
    server = hostile(BEHAVIOURS[behaviour])
    error, took = outcome(f"http://{server.address}", call(), asynchronous)
    assert_ended_by_deadline(error, took)
    assert server.accepted <= 1


@both
@pytest.mark.parametrize("behaviour", ["a header byte by byte", "a body byte by byte"])
def test_it_does_so_through_a_client_of_httpx(behaviour, asynchronous, hostile, call) -> None:
    server = hostile(BEHAVIOURS[behaviour])
    kind = httpx.AsyncClient if asynchronous else httpx.Client
    error, took = outcome(
        f"http://{server.address}", call(), asynchronous, http_client=kind(trust_env=False)
    )
    assert_ended_by_deadline(error, took)


class Wrapper(httpx.BaseTransport):
    def __init__(self, **settings: Any) -> None:
        self.inner = httpx.HTTPTransport(**settings)
        self.itself = self

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


class AsyncWrapper(httpx.AsyncBaseTransport):
    def __init__(self, **settings: Any) -> None:
        self.by_name = {"inner": httpx.AsyncHTTPTransport(**settings)}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.by_name["inner"].handle_async_request(request)

    async def aclose(self) -> None:
        await self.by_name["inner"].aclose()


@both
@pytest.mark.parametrize(
    "behaviour", ["a header byte by byte", "interim answers as fast as can be"]
)
@pytest.mark.parametrize("made", [True, False], ids=["made before", "made by the SDK"])
@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "of httpx"])
def test_it_does_so_through_a_transport_of_the_callers(
    behaviour, made, wrapped, asynchronous, hostile, call
) -> None:
    server = hostile(BEHAVIOURS[behaviour])
    if asynchronous:
        kind: Any = AsyncWrapper if wrapped else httpx.AsyncHTTPTransport
    else:
        kind = Wrapper if wrapped else httpx.HTTPTransport
    transport = kind() if made else kind
    error, took = outcome(f"http://{server.address}", call(), asynchronous, transport=transport)
    assert_ended_by_deadline(error, took)


@both
def test_the_deadline_ends_a_request_that_is_not_read(asynchronous, hostile, call) -> None:
    server = hostile(lambda server, connection: server.over.wait() and None)
    error, took = outcome(
        f"http://{server.address}",
        call("PUT", body={"a": "x" * 9_000_000}),
        asynchronous,
        deadline=2.0,
    )
    assert error is not None
    assert (type(error).__name__, error.phase) == ("OutcomeUnknown", "write")  # type: ignore[attr-defined]
    assert took < 5


@both
def test_the_deadline_ends_a_request_that_is_read_slowly(asynchronous, hostile, call) -> None:
    def read_slowly(server: Hostile, connection: socket.socket) -> None:
        while not server.over.wait(0.01):
            connection.recv(1000)

    server = hostile(read_slowly)
    error, took = outcome(
        f"http://{server.address}",
        call("PUT", body={"a": "x" * 9_000_000}),
        asynchronous,
        deadline=2.0,
    )
    assert type(error).__name__ == "OutcomeUnknown"
    assert took < 5


@both
def test_the_deadline_ends_a_tls_handshake(asynchronous, hostile, call) -> None:
    server = hostile(lambda server, connection: server.over.wait() and None)
    error, took = outcome(f"https://{server.address}", call(), asynchronous)
    assert_ended_by_deadline(error, took, ("connect",))


@both
def test_the_deadline_ends_a_tls_handshake_byte_by_byte(asynchronous, hostile, call) -> None:
    record = b"\x16\x03\x03\x40\x00"  # the head of a record of 16 KiB
    server = hostile(says(record, b"x"))
    error, took = outcome(f"https://{server.address}", call(), asynchronous)
    assert_ended_by_deadline(error, took, ("connect",))


@both
@pytest.mark.parametrize("part", [b"", b"x"], ids=["no answer", "an answer byte by byte"])
def test_the_deadline_ends_the_way_through_a_proxy(part, asynchronous, hostile, call) -> None:
    server = hostile(says(b"HTTP/1.1 200 " if part else b"", *filter(None, [part])))
    error, took = outcome(
        "https://agents.example", call(), asynchronous, proxy=f"http://{server.address}"
    )
    assert_ended_by_deadline(error, took)


@both
def test_the_deadline_ends_the_look_up_of_a_name(asynchronous, call, monkeypatch) -> None:
    over = threading.Event()
    real = socket.getaddrinfo

    def resolve(host: str, *arguments: Any, **more: Any) -> Any:
        if host == "agents.example":
            over.wait()
        return real("127.0.0.1", *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    try:
        error, took = outcome("http://agents.example", call(), asynchronous)
        assert_ended_by_deadline(error, took, ("connect",))
    finally:
        over.set()


@both
def test_the_deadline_is_shared_by_all_addresses_of_a_name(asynchronous, call, monkeypatch) -> None:
    addresses = [f"10.255.255.{number}" for number in range(1, 6)]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *_, **__: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in ([host] if host[0] == "1" else addresses)
        ],
    )
    connecting = threading.Event()

    def never_connects(self: socket.socket, address: Any) -> None:
        connecting.wait(self.gettimeout())
        raise TimeoutError("timed out")

    async def never_connects_async(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(socket.socket, "connect", never_connects)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", never_connects_async)
    error, took = outcome("http://agents.example", call(), asynchronous)
    assert_ended_by_deadline(error, took, ("connect",))


@both
def test_the_second_address_of_a_name_is_tried(
    asynchronous, server, answer, call, monkeypatch
) -> None:
    real, port = socket.getaddrinfo, int(server.url.rpartition(":")[2])

    def resolve(host: str, *arguments: Any, **more: Any) -> Any:
        if host != "agents.example":
            return real(host, *arguments, **more)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("127.0.0.2", "127.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    server.will(answer())
    error, _ = outcome(f"http://agents.example:{port}", call(), asynchronous, deadline=5.0)
    assert error is None
    assert len(server.requests) == 1


@both
def test_a_name_that_is_not_there_cannot_be_connected_to(asynchronous, call, monkeypatch) -> None:
    def resolve(host: str, *_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error, _ = outcome("http://agents.example", call(), asynchronous, max_retries=0)
    assert type(error).__name__ == "ConnectionFailed"
    assert "Name or service not known" in str(error)


def test_the_deadline_ends_the_pauses_between_retries(flow, call, reply) -> None:
    run = flow.run(call(), *[reply(503)] * 3, deadline=2.0, max_retries=100)
    assert flow.time - 1000.0 <= 2.0
    assert run.error.attempts == 3


def test_a_phase_has_its_own_limit_within_the_deadline(hostile, call) -> None:
    server = hostile(says(b""))
    for asynchronous in (False, True):
        error, took = outcome(
            f"http://{server.address}",
            call(),
            asynchronous,
            timeout=Timeout(read=0.1),
            deadline=60.0,
            max_retries=0,
        )
        assert isinstance(error, TimedOut)
        assert error.phase == "read"
        assert took < 3


@both
def test_an_answer_that_still_comes_is_not_late_for_its_phase(asynchronous, hostile, call) -> None:
    body = b'{"a": "' + b"x" * 40 + b'"}'

    def trickle(server: Hostile, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        server.send_slowly(connection, body)

    server = hostile(trickle)
    error, took = outcome(
        f"http://{server.address}", call(), asynchronous, timeout=Timeout(read=0.3), deadline=60.0
    )
    assert error is None
    assert took > 0.3


# --- the bound on an answer -----------------------------------------------------------------------


def gzip_bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [packer.compress(b"0" * 1_000_000) for _ in range(size // 1_000_000)]
    return b"".join([*pieces, packer.flush()])


BOMB = gzip_bomb(300_000_000)
TOO_LARGE = {
    "a gzip bomb": (HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB))
    + BOMB,
    "a long body": HEAD + b"Content-Length: 9000000\r\n\r\n" + b"0" * 9_000_000,
}


@both
@pytest.mark.parametrize("kind", TOO_LARGE)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_may_unpack_to_so_many_bytes(kind, method, asynchronous, hostile, call) -> None:
    server = hostile(says(TOO_LARGE[kind]))
    error, _ = outcome(
        f"http://{server.address}",
        call(method),
        asynchronous,
        deadline=60.0,
        max_response_bytes=1_000_000,
    )
    assert isinstance(error, ResponseValidationError), repr(error)
    assert "max_response_bytes" in error.message
    assert (error.status_code, error.attempts, server.accepted) == (200, 1, 1)


@both
def test_a_body_without_end_is_too_large(asynchronous, hostile, call) -> None:
    server = hostile(says(CHUNKED + b"\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n", fast=True))
    error, _ = outcome(
        f"http://{server.address}",
        call(),
        asynchronous,
        deadline=60.0,
        max_response_bytes=1_000_000,
    )
    assert isinstance(error, ResponseValidationError)


def test_an_answer_as_large_as_allowed_is_read(flow, call, reply) -> None:
    body = b'"' + b"x" * 998 + b'"'
    transport = httpx.MockTransport(
        lambda request: httpx.Response(
            200,
            headers={"Content-Type": "application/json"},
            content=iter([body[:500], body[500:]]),
        )
    )
    with flow.client(transport=transport, max_response_bytes=1000) as client:
        assert len(client._call(call())) == 998
        with pytest.raises(ResponseValidationError):
            client.with_options(max_response_bytes=999)._call(call())
