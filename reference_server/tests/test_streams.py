"""Streamed responses, over real sockets."""

import asyncio
import gzip
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest
from listening import SECONDS
from live import SESSION, Live, live_server

from agentserver_reference.call import Call
from agentserver_reference.http.disconnects import beside
from agentserver_reference.replies import (
    AnyReply,
    Event,
    EventStream,
    PassThrough,
    Reply,
    end_to_end,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async with live_server() as started:
        yield started


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(headers=SESSION, timeout=SECONDS) as opened:
        yield opened


async def within_time(event: asyncio.Event) -> None:
    async with asyncio.timeout(SECONDS):
        await event.wait()


# Server-sent events


@attrs.define
class Ticks:
    """Events that the test triggers."""

    next: asyncio.Event = attrs.field(factory=asyncio.Event)
    closed: asyncio.Event = attrs.field(factory=asyncio.Event)
    keep_alive: float = SECONDS

    async def answer(self, call: Call) -> EventStream:
        return EventStream(self.events(), keep_alive=self.keep_alive)

    async def events(self) -> AsyncGenerator[Event, None]:
        try:
            for number in range(1000):
                yield Event(f"tick {number}", name="tick", id=str(number))
                await self.next.wait()
                self.next.clear()
        finally:
            self.closed.set()


async def test_events_are_sent_as_they_come(live: Live, client: httpx.AsyncClient) -> None:
    ticks = Ticks()
    live.answer = ticks.answer
    async with client.stream("GET", live.url("/events")) as response:
        lines = response.aiter_lines()
        for number in range(2):
            received = [await anext(lines) for _ in range(4)]
            assert received == ["event: tick", f"id: {number}", f"data: tick {number}", ""]
            ticks.next.set()


async def test_a_stream_of_events_has_the_headers_of_every_response(
    live: Live, client: httpx.AsyncClient
) -> None:
    live.answer = Ticks().answer
    headers = {"X-Request-Id": "mine"}
    async with client.stream("GET", live.url("/events"), headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-request-id"] == "mine"
        assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_client_that_disconnects_ends_the_events(
    live: Live, client: httpx.AsyncClient
) -> None:
    ticks = Ticks()
    live.answer = ticks.answer
    async with client.stream("GET", live.url("/events")) as response:
        await anext(response.aiter_lines())
        assert not ticks.closed.is_set()
    await within_time(ticks.closed)


async def test_a_server_that_stops_ends_the_events_cleanly(
    live: Live, client: httpx.AsyncClient
) -> None:
    ticks = Ticks()
    live.answer = ticks.answer
    async with client.stream("GET", live.url("/events")) as response:
        lines = response.aiter_lines()
        await anext(lines)
        stopping = asyncio.create_task(live.running.stop())
        assert [line async for line in lines] == ["id: 0", "data: tick 0", ""], "the end is clean"
        await stopping
    assert ticks.closed.is_set()


async def test_a_quiet_stream_is_kept_alive_by_comments(
    live: Live, client: httpx.AsyncClient
) -> None:
    live.answer = Ticks(keep_alive=0.01).answer
    async with client.stream("GET", live.url("/events")) as response:
        lines = response.aiter_lines()
        assert [await anext(lines) for _ in range(8)][4:] == [":", "", ":", ""]


async def test_events_that_end_end_the_answer(live: Live, client: httpx.AsyncClient) -> None:
    async def events() -> AsyncGenerator[Event, None]:
        yield Event("only")

    async def answer(call: Call) -> EventStream:
        return EventStream(events())

    live.answer = answer
    assert (await client.get(live.url("/events"))).text == "data: only\n\n"


async def test_events_that_fail_break_the_connection_and_are_logged(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def events() -> AsyncGenerator[Event, None]:
        yield Event("first")
        raise RuntimeError("broken")

    async def answer(call: Call) -> EventStream:
        return EventStream(events())

    async with live_server(validate_responses=False) as live:
        live.answer = answer
        headers = {"X-Request-Id": "mine"}
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(live.url("/events"), headers=headers)
    failed = [record for record in caplog.records if record.message == "failed"]
    assert [record.event_fields for record in failed] == [{"request_id": "mine"}]  # type: ignore[attr-defined]
    assert "broken" in caplog.text


async def test_the_right_to_a_stream_is_checked_before_it_begins(live: Live) -> None:
    live.answer = Ticks().answer
    async with httpx.AsyncClient() as stranger:
        answer = await stranger.get(live.url("/events"))
    assert (answer.status_code, answer.text) == (401, "unauthorized\n")


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event("one"), "data: one\n\n"),
        (Event("a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n"),
        (Event(""), "data: \n\n"),
        (Event("ends\n"), "data: ends\ndata: \n\n"),
        (Event("ü\u2028\x85"), "data: ü\u2028\x85\n\n"),
        (Event("x", name="n", id="7"), "event: n\nid: 7\ndata: x\n\n"),
    ],
)
def test_events_are_written_as_browsers_read_them(event: Event, text: str) -> None:
    assert event.encode() == text.encode()


@pytest.mark.parametrize("event", [Event("x", name="a\nb"), Event("x", id="1\r2")])
def test_a_field_of_two_lines_is_refused(event: Event) -> None:
    with pytest.raises(ValueError, match="holds a line break"):
        event.encode()


# Bytes passed through


@attrs.define
class Upstream:
    """A service on a raw socket, which sends headers and then the chunks of the test."""

    url: str = ""
    head: bytes = b"Content-Type: application/octet-stream\r\n"
    chunks: asyncio.Queue[bytes | None] = attrs.field(factory=asyncio.Queue)
    """What it sends next; None ends the body."""
    disconnected: asyncio.Event = attrs.field(factory=asyncio.Event)
    """The client has disconnected."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + self.head + b"Transfer-Encoding: chunked\r\n\r\n")
        sending = asyncio.create_task(self.send(writer))
        await reader.read()
        self.disconnected.set()
        sending.cancel()
        writer.close()

    async def send(self, writer: asyncio.StreamWriter) -> None:
        while True:
            chunk = await self.chunks.get()
            writer.write(b"%x\r\n%s\r\n" % (len(chunk or b""), chunk or b""))
            if chunk == b"broken":
                writer.transport.abort()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    state = Upstream()
    server = await asyncio.start_server(state.serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        state.url = f"http://{host}:{port}/"
        yield state


@asynccontextmanager
async def passing_through(url: str) -> AsyncIterator[Callable[[Call], Awaitable[AnyReply]]]:
    """A handler that passes on what is at `url`."""
    async with httpx.AsyncClient() as gateway:

        async def answer(call: Call) -> PassThrough:
            response = await gateway.send(gateway.build_request("GET", url), stream=True)
            headers = tuple(response.headers.multi_items())
            return PassThrough(response.status_code, headers, response.aiter_raw(), response.aclose)

        yield answer


async def test_bytes_are_passed_on_as_they_come(
    live: Live, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    async with passing_through(upstream.url) as live.answer:
        upstream.chunks.put_nowait(b"first")
        async with client.stream("GET", live.url("/file")) as response:
            chunks = response.aiter_raw()
            assert await anext(chunks) == b"first"
            upstream.chunks.put_nowait(b"second")
            assert await anext(chunks) == b"second"
            upstream.chunks.put_nowait(None)
            assert [chunk async for chunk in chunks] == []


async def test_bytes_are_passed_on_without_being_unpacked(
    live: Live, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    packed = gzip.compress(b"text")
    upstream.head += b"Content-Encoding: gzip\r\n"
    async with passing_through(upstream.url) as live.answer:
        for chunk in (packed, None):
            upstream.chunks.put_nowait(chunk)
        async with client.stream("GET", live.url("/file")) as response:
            assert response.headers["content-encoding"] == "gzip"
            assert b"".join([chunk async for chunk in response.aiter_raw()]) == packed


async def test_headers_for_the_next_hop_are_dropped(
    live: Live, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    upstream.head += (
        b"Connection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: yes\r\n"
        b"Set-Cookie: a=1\r\nServer: other\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        b"X-Request-Id: theirs\r\n"
    )
    upstream.chunks.put_nowait(None)
    async with passing_through(upstream.url) as live.answer:
        response = await client.get(live.url("/file"), headers={"X-Request-Id": "mine"})
    assert response.headers["x-kept"] == "yes"
    for name in ("x-private", "keep-alive", "set-cookie"):
        assert name not in response.headers
    assert response.headers.get("server") != "other"
    assert response.headers.get_list("x-request-id") == ["mine"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert len(response.headers.get_list("date")) == 1
    assert "1970" not in response.headers["date"]


async def test_a_client_that_disconnects_closes_the_upstream(
    live: Live, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    async with passing_through(upstream.url) as live.answer:
        upstream.chunks.put_nowait(b"first")
        async with client.stream("GET", live.url("/file")) as response:
            await anext(response.aiter_raw())
            assert not upstream.disconnected.is_set()
        await within_time(upstream.disconnected)


async def test_an_upstream_that_aborts_aborts_the_response(
    client: httpx.AsyncClient, upstream: Upstream
) -> None:
    async with (
        live_server(validate_responses=False) as live,
        passing_through(upstream.url) as live.answer,
    ):
        upstream.chunks.put_nowait(b"broken")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(live.url("/file"))


def test_headers_that_connection_names_are_dropped_too() -> None:
    headers = (("Connection", "close, X-A"), ("x-a", "1"), ("X-B", "2"), ("TE", "trailers"))
    assert list(end_to_end(headers)) == [("X-B", "2")]


# Neither of these


async def test_a_response_of_an_undocumented_media_type_is_detected(
    live: Live, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(call: Call) -> Reply:
        return Reply(200, {})

    live.answer = answer
    with caplog.at_level(logging.ERROR):
        assert (await client.get(live.url("/events"))).status_code == 500
    assert "watch responded with 200 as 'application/json'" in caplog.text


async def test_what_is_done_beside_a_block_ends_with_it_and_hides_no_error() -> None:
    ended = []

    async def wait() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("beside")

    async def fail_beside_it() -> None:
        async with beside(wait):
            await anyio.lowlevel.checkpoint()
            raise LookupError("of the block")

    with pytest.raises(LookupError, match="of the block"):
        await fail_beside_it()
    assert ended == ["beside"]


async def test_an_error_beside_a_block_ends_the_block_and_is_raised() -> None:
    async def fail() -> None:
        raise LookupError("beside")

    async def wait_beside_it() -> None:
        async with beside(fail):
            await anyio.sleep_forever()

    with pytest.raises(LookupError, match="beside"):
        await wait_beside_it()


async def test_a_block_that_is_cut_short_waits_until_what_is_beside_it_has_cleaned_up() -> None:
    ended = []

    async def clean_up_slowly() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                for _ in range(5):
                    await anyio.lowlevel.checkpoint()
            ended.append("beside")

    async def cut_short() -> None:
        scope.cancel()

    async with beside(clean_up_slowly, cut_short) as scope:
        await anyio.sleep_forever()
    assert ended == ["beside"]
