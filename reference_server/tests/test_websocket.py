"""WebSockets, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from listening import SECONDS
from live import SESSION, Live, live_server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentserver_reference.call import Call
from agentserver_reference.domain.errors import Conflict
from agentserver_reference.replies import AnyReply, Reply, Socket, SocketClosed, Upgrade

pytestmark = pytest.mark.anyio

PUBLIC_URL = "https://agents.example.com"


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async with live_server(validate_responses=False, public_url=PUBLIC_URL) as started:
        yield started


def opening(
    converse: Callable[[Socket], Awaitable[None]], **options: Any
) -> Callable[[Call], Awaitable[AnyReply]]:
    """A handler that lets the call become a WebSocket."""

    async def answer(call: Call) -> Upgrade:
        return Upgrade(converse, **options)

    return answer


def connecting(live: Live, path: str = "/socket", **options: Any) -> Any:
    headers = options.pop("additional_headers", SESSION)
    return connect(
        live.url(path, "ws"), additional_headers=headers, open_timeout=SECONDS, **options
    )


async def echo(socket: Socket) -> None:
    while True:
        await socket.send(await socket.receive())


async def test_text_and_bytes_go_both_ways(live: Live) -> None:
    live.answer = opening(echo)
    async with connecting(live) as socket:
        for message in ("Größe", b"\x00\xff", ""):
            await socket.send(message)
            assert await socket.recv() == message


async def test_the_handshake_has_the_headers_of_every_response(live: Live) -> None:
    live.answer = opening(echo, subprotocol="v1")
    headers = SESSION | {"X-Request-Id": "mine"}
    async with connecting(live, additional_headers=headers, subprotocols=["v1"]) as socket:
        assert socket.response.headers["X-Request-Id"] == "mine"
        assert socket.response.headers["X-Content-Type-Options"] == "nosniff"
        assert socket.subprotocol == "v1"


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """With which code and reason the server closes it."""
    async with asyncio.timeout(SECONDS):
        with pytest.raises(ConnectionClosed) as ended:
            await socket.recv()
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code, ended.value.rcvd.reason


async def test_a_conversation_that_ends_is_closed_normally(live: Live) -> None:
    async def once(socket: Socket) -> None:
        await socket.send("only")

    live.answer = opening(once)
    async with connecting(live) as socket:
        assert await socket.recv() == "only"
        assert await closed(socket) == (1000, "")


async def test_a_conversation_may_choose_the_close_code(live: Live) -> None:
    async def leave(socket: Socket) -> None:
        await socket.close(4001, "moved")

    live.answer = opening(leave)
    async with connecting(live) as socket:
        assert await closed(socket) == (4001, "moved")


async def test_a_refusal_in_a_conversation_closes_with_its_line(live: Live) -> None:
    async def refuse(socket: Socket) -> None:
        raise Conflict("taken by another: " + "ü" * 200)

    live.answer = opening(refuse)
    async with connecting(live) as socket:
        code, reason = await closed(socket)
    assert code == 1008
    assert reason.startswith("taken by another: ü")
    assert len(reason.encode()) <= 123


async def test_an_error_in_a_conversation_is_logged_and_not_disclosed(
    live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(socket: Socket) -> None:
        raise RuntimeError("broken")

    live.answer = opening(fail)
    headers = SESSION | {"X-Request-Id": "mine"}
    async with connecting(live, additional_headers=headers) as socket:
        assert await closed(socket) == (1011, "internal error")
    (failed,) = [record for record in caplog.records if record.message == "failed"]
    assert failed.event_fields == {"request_id": "mine"}  # type: ignore[attr-defined]
    assert "broken" in caplog.text


async def test_a_conversation_learns_the_close_code_of_the_client(live: Live) -> None:
    codes: asyncio.Queue[int] = asyncio.Queue()

    async def listen(socket: Socket) -> None:
        for _ in range(2):
            try:
                await socket.receive()
            except SocketClosed as gone:
                codes.put_nowait(gone.code)
        await socket.send("too late")

    live.answer = opening(listen)
    async with connecting(live) as socket:
        await socket.close(4000, "bye")
    async with asyncio.timeout(SECONDS):
        assert [await codes.get() for _ in range(2)] == [4000, 4000]


async def test_a_server_that_stops_closes_its_sockets(live: Live) -> None:
    live.answer = opening(echo)
    async with connecting(live) as socket:
        stopping = asyncio.create_task(live.running.stop())
        assert (await closed(socket))[0] == 1012
        await stopping


async def refusal(attempt: Any) -> tuple[int, str]:
    """The status and the line of what was answered instead of a WebSocket."""
    with pytest.raises(InvalidStatus) as refused:
        async with attempt:
            pass
    response = refused.value.response
    assert response.headers["X-Request-Id"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    return response.status_code, (response.body or b"").decode().removesuffix("\n")


async def test_without_a_session_no_socket_opens(live: Live) -> None:
    live.answer = opening(echo)
    unknown = {"Cookie": "agentserver-token=" + "0" * 64}
    for headers in ({}, unknown):
        attempt = connecting(live, additional_headers=headers)
        assert await refusal(attempt) == (401, "unauthorized")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://agents.example.com.evil.example", "x"]
)
async def test_a_page_of_another_site_opens_no_socket(live: Live, origin: str) -> None:
    live.answer = opening(echo)
    assert await refusal(connecting(live, origin=origin)) == (403, "origin not allowed")


async def test_a_page_of_this_host_or_of_the_public_url_opens_one(live: Live) -> None:
    live.answer = opening(echo)
    for origin in (PUBLIC_URL, PUBLIC_URL.upper(), live.url("")):
        async with connecting(live, origin=origin) as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"


async def test_a_handler_may_refuse_before_the_socket_opens(live: Live) -> None:
    async def refuse(call: Call) -> AnyReply:
        raise Conflict("already connected")

    live.answer = refuse
    assert await refusal(connecting(live)) == (409, "already connected")


@pytest.mark.parametrize("path", ["/page", "/nowhere", "/docs"])
async def test_a_path_without_websockets_is_not_found(live: Live, path: str) -> None:
    assert await refusal(connecting(live, path)) == (404, "not found")


async def test_a_plain_request_to_a_socket_must_be_upgraded(live: Live) -> None:
    async with httpx.AsyncClient(headers=SESSION) as client:
        answer = await client.get(live.url("/socket"))
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert answer.text == "only WebSockets are served here\n"


@pytest.mark.parametrize("path", ["/socket", "/page"])
async def test_a_handler_with_the_wrong_kind_of_result_is_an_error(live: Live, path: str) -> None:
    async def answer(call: Call) -> AnyReply:
        return Reply(200, {}) if path == "/socket" else Upgrade(echo)

    live.answer = answer
    if path == "/socket":
        assert await refusal(connecting(live)) == (500, "internal error")
    else:
        async with httpx.AsyncClient(headers=SESSION) as client:
            assert (await client.get(live.url("/page"))).status_code == 500
