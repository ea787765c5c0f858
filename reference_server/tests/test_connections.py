"""Bounds of a connection, over real sockets: what is too large, too slow, too many or malformed."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import attrs
import pytest
import uvicorn
from serving import in_memory
from uvicorn.server import ServerState

from agentserver_reference.app import create_app
from agentserver_reference.contract import load_document
from agentserver_reference.http import lingering
from agentserver_reference.http.connection import SURPLUS, BoundedProtocol, Limits

pytestmark = pytest.mark.anyio

LIMITS = Limits(head_bytes=4096, headers=20, request_seconds=30, connections=50)
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LOGIN = b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\n"
SECONDS = 20


@asynccontextmanager
async def served(limits: Limits = LIMITS) -> AsyncIterator[int]:
    """The port of a server with these limits."""
    app = create_app(in_memory())
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none")
    config.load()
    state, ids = ServerState(), count()

    def protocol() -> BoundedProtocol:
        return BoundedProtocol(
            config=config,
            server_state=state,
            app_state={},
            limits=limits,
            ids=lambda: f"request-{next(ids)}",
        )

    async with app.router.lifespan_context(app):
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]


async def exchange(port: int, *parts: bytes) -> bytes:
    """All that is answered to these bytes until the server closes the connection."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
        except ConnectionError:
            return b""  # the server hung up while more was being sent
        finally:
            writer.close()


def assert_refused(answer: bytes, status: int, line: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert body.decode() == line + "\n"
    for header in (
        b"content-type: text/plain; charset=utf-8",
        b"connection: close",
        b"x-content-type-options: nosniff",
    ):
        assert header in head, head
    assert re.search(rb"x-request-id: \S+", head), head


TOO_LARGE = "request line and headers: must not be over 4096 bytes"


@pytest.mark.parametrize(
    ("request_bytes", "line"),
    [
        pytest.param(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 22,
            "headers: must not be over 20",
            id="headers-without-end",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 5000, TOO_LARGE, id="endless-value"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a" * 5000, TOO_LARGE, id="endless-name"),
        pytest.param(b"GET /" + b"a" * 5000, TOO_LARGE, id="endless-path"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 5000 + b"\r\n\r\n",
            TOO_LARGE,
            id="long-value-in-one-piece",
        ),
        pytest.param(
            LOGIN + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 22,
            "headers: must not be over 20",
            id="trailers-without-end",
        ),
    ],
)
async def test_a_head_that_is_too_large_is_431(request_bytes: bytes, line: str) -> None:
    async with served() as port:
        assert_refused(await exchange(port, request_bytes), 431, line)


async def test_a_chunk_whose_extension_does_not_end_is_431() -> None:
    async with served() as port, asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LOGIN + b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"5;" + b"a" * 5000)
        assert_refused(await reader.read(), 431, TOO_LARGE)
        writer.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nA: b", id="head"),
        pytest.param(LOGIN + b"Content-Length: 10\r\n\r\n{", id="body"),
    ],
)
async def test_a_request_that_is_too_slow_is_408(request_bytes: bytes) -> None:
    async with served(attrs.evolve(LIMITS, request_seconds=0.1)) as port:
        answer = await exchange(port, request_bytes)
        assert_refused(answer, 408, "the request did not arrive within 0.1 seconds")


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
async def test_a_connection_without_a_request_is_closed_without_an_answer(sent: bytes) -> None:
    async with served(attrs.evolve(LIMITS, request_seconds=0.1)) as port:
        assert await exchange(port, sent) == b""


async def test_more_connections_than_allowed_are_503_and_then_closed() -> None:
    async with served(attrs.evolve(LIMITS, connections=2)) as port:
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in opened:
            writer.write(HEALTH)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert_refused(await exchange(port, HEALTH), 503, "too many connections")
        surplus = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SURPLUS)]
        assert await exchange(port, HEALTH) == b""
        for _, writer in [*opened, *surplus]:
            writer.close()
            await writer.wait_closed()
        assert (await exchange(port, b"x\r\n")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("request_bytes", "line"),
    [
        (b"nonsense\r\n\r\n", "malformed request"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", "Host: must be given once"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "Host: must be given once"),
        (LOGIN + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed request"),
    ],
)
async def test_a_malformed_request_is_400_with_the_headers_of_every_answer(
    request_bytes: bytes, line: str
) -> None:
    async with served() as port:
        assert_refused(await exchange(port, request_bytes), 400, line)


FEW = attrs.evolve(LIMITS, connections=0)
SOON = attrs.evolve(LIMITS, request_seconds=0.1)
JSON_BODY = b"Content-Type: application/json\r\nContent-Length: "

REJECTED = {
    "nonsense": (400, b"nonsense\r\n\r\n", LIMITS),
    "no host": (400, b"GET /healthz HTTP/1.1\r\n\r\n", LIMITS),
    "two hosts": (400, b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", LIMITS),
    "unknown path": (404, b"GET /nothing HTTP/1.0\r\n\r\n", LIMITS),
    "unknown method": (405, b"DELETE /healthz HTTP/1.0\r\n\r\n", LIMITS),
    "too slow": (408, HEALTH[:-2], SOON),
    "too long": (413, LOGIN + JSON_BODY + b"1048577\r\n\r\n", LIMITS),
    "compressed": (
        415,
        LOGIN + b"Connection: close\r\nContent-Encoding: gzip\r\n" + JSON_BODY + b"2\r\n\r\n{}",
        LIMITS,
    ),
    "not json": (
        415,
        LOGIN + b"Connection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
        LIMITS,
    ),
    "many headers": (431, HEALTH[:-2] + b"A: b\r\n" * 30 + b"\r\n", LIMITS),
    "too many connections": (503, HEALTH, FEW),
}
ALSO = {405: b"allow: GET, HEAD\r\n", 503: b"retry-after: 1\r\n"}
"""A header that the contract names with the status."""


@pytest.mark.parametrize("name", REJECTED)
async def test_what_the_contract_says_of_any_request_is_so_over_a_socket(name: str) -> None:
    status, request_bytes, limits = REJECTED[name]
    async with served(limits) as port:
        answer = await exchange(port, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert re.search(rb"\r\nx-request-id: \S+", head), head
    assert b"content-type: text/plain; charset=utf-8" in head
    assert body.endswith(b"\n"), answer
    assert body.count(b"\n") == 1, answer
    assert ALSO.get(status, b"") in head + b"\r\n"


def test_every_status_that_the_contract_says_of_any_request_is_tried() -> None:
    description = load_document()["info"]["description"]
    named = {int(status) for status in re.findall(r"^\| (\d{3}) \|", description, re.MULTILINE)}
    assert named == {status for status, _, _ in REJECTED.values()}


async def test_an_answer_is_not_lost_to_who_is_still_sending() -> None:
    """Proxies send the whole body, and only then look at the answer."""
    body = [b"x" * 2**16] * 64
    head = LOGIN + JSON_BODY + b"%d\r\n\r\n" % sum(map(len, body))
    async with served() as port:
        assert (await exchange(port, head, *body)).startswith(b"HTTP/1.1 413 ")


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 2**16)
        await writer.drain()


async def test_who_goes_on_sending_is_not_listened_to_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lingering, "SECONDS", 0.05)
    async with served() as port, asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LOGIN + JSON_BODY + b"1073741824\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 413 ")
        with pytest.raises(ConnectionError):
            await send_for_ever(writer)


async def test_a_rejected_head_request_has_no_body() -> None:
    async with served() as port:
        answer = await exchange(port, b"HEAD /healthz HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"content-length: 25\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_a_refused_request_keeps_its_id() -> None:
    async with served() as port:
        answer = await exchange(port, b"GET / HTTP/1.1\r\nX-Request-Id: mine\r\n\r\n")
        assert b"x-request-id: mine\r\n" in answer


async def test_http_1_0_needs_no_host() -> None:
    async with served() as port:
        assert b" 200 OK\r\n" in await exchange(port, b"GET /healthz HTTP/1.0\r\n\r\n")


async def test_a_good_request_is_answered_whatever_follows_it() -> None:
    async with served() as port:
        answer = await exchange(port, HEALTH + b"nonsense\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.count(b"HTTP/1.1") == 1


async def test_many_requests_on_one_connection_are_no_large_head() -> None:
    async with served() as port:
        answer = await exchange(port, HEALTH * 500 + b"GET /healthz HTTP/1.0\r\n\r\n")
        assert answer.count(b"HTTP/1.1 200 OK") == 501


async def test_what_is_answered_is_logged_with_its_id(caplog: Any) -> None:
    caplog.set_level("INFO")
    async with served() as port:
        await exchange(port, b"nonsense\r\n\r\n")
    (record,) = [one for one in caplog.records if one.getMessage() == "refused"]
    assert record.event_fields["status"] == 400
    assert record.event_fields["request_id"].startswith("request-")
