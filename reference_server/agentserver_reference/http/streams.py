"""Answers that are sent while they are made: server-sent events, and bytes passed through."""

from __future__ import annotations

from asyncio import Event as Flag
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agentserver_reference.replies import Event, EventStream, Headers, PassThrough

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that are for the next hop alone (RFC 9110, 7.6.1)."""

_OUR_OWN = frozenset({"date", "server", "set-cookie"})
"""Headers that this server answers for: a cookie of another service is not one of ours."""

_EVENT_STREAM_HEADERS = (
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-store"),
    ("X-Accel-Buffering", "no"),
)
"""With them, no proxy keeps events back to cache or to gather them."""


class StreamedResponse(Response):
    """Chunks that are sent as they come, until they end, the caller hangs up or the server stops.

    An error in the middle is raised once the headers are sent: the connection then breaks, and
    whoever reads it does not take what came for the whole.
    """

    def __init__(
        self,
        status: int,
        headers: Headers,
        chunks: AsyncIterator[bytes],
        close: Callable[[], Awaitable[None]],
        *,
        stopping: Flag | None = None,
        keep_alive: float | None = None,
    ) -> None:
        self.status_code = status
        self.background = None
        self.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        self._chunks = chunks
        self._close = close
        self._stopping = stopping
        self._keep_alive = keep_alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        hung_up = False
        sending = anyio.Lock()

        async def send_chunk(chunk: bytes) -> None:
            async with sending:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})

        async def until_hung_up() -> None:
            nonlocal hung_up
            while (await receive())["type"] != "http.disconnect":
                pass
            hung_up = True
            tasks.cancel_scope.cancel()

        async def until_stopping(stopping: Flag) -> None:
            await stopping.wait()
            tasks.cancel_scope.cancel()

        async def keep_alive(seconds: float) -> None:
            while True:
                await anyio.sleep(seconds)
                await send_chunk(_COMMENT)

        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(until_hung_up)
                if self._stopping is not None:
                    tasks.start_soon(until_stopping, self._stopping)
                if self._keep_alive is not None:
                    tasks.start_soon(keep_alive, self._keep_alive)
                async for chunk in self._chunks:
                    await send_chunk(chunk)
                tasks.cancel_scope.cancel()
            if not hung_up:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()


def event_stream(reply: EventStream, stopping: Flag) -> StreamedResponse:
    """Server-sent events on the wire; without one for a while, a comment."""

    async def encoded() -> AsyncGenerator[bytes, None]:
        async for event in reply.events:
            yield encode_event(event)

    chunks = encoded()

    async def close() -> None:
        await chunks.aclose()
        await reply.events.aclose()

    return StreamedResponse(
        reply.status,
        (*_EVENT_STREAM_HEADERS, *reply.headers),
        chunks,
        close,
        stopping=stopping,
        keep_alive=reply.keep_alive,
    )


def pass_through(reply: PassThrough) -> StreamedResponse:
    """A service's answer on the wire, without the headers that were for us alone."""
    return StreamedResponse(
        reply.status, tuple(end_to_end(reply.headers)), reply.chunks, reply.close
    )


_COMMENT = b":\n\n"


def encode_event(event: Event) -> bytes:
    """An event as `text/event-stream` has it. Raises ValueError for a name or id of two lines."""
    lines = []
    for field, value in (("event", event.name), ("id", event.id)):
        if value is not None:
            if len(f"{value}.".splitlines()) > 1:
                raise ValueError(f"the {field} of a server-sent event holds a line break")
            lines.append(f"{field}: {value}")
    # An empty line is a line too. Only these three end one, where str.splitlines knows more.
    data = event.data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines += [f"data: {line}" for line in data]
    return ("\n".join(lines) + "\n\n").encode()


def end_to_end(headers: Headers) -> Iterator[tuple[str, str]]:
    """The headers that are meant for whoever reads the answer in the end."""
    named = {
        name.strip().lower()
        for header, value in headers
        if header.lower() == "connection"
        for name in value.split(",")
    }
    dropped = _HOP_BY_HOP | _OUR_OWN | named
    return ((name, value) for name, value in headers if name.lower() not in dropped)
