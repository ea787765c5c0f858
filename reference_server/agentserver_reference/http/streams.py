"""Streamed responses: server-sent events, and bytes passed through from external services."""

from __future__ import annotations

from asyncio import Event as Flag
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import partial

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agentserver_reference.http.disconnects import beside
from agentserver_reference.replies import (
    EventStream,
    Headers,
    PassThrough,
    Watch,
    end_to_end,
    unwatched,
)

_EVENT_STREAM_HEADERS = (
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-store"),
    ("X-Accel-Buffering", "no"),
)
"""They keep proxies from caching and buffering events."""


class StreamedResponse(Response):
    """Sends chunks without buffering until they end, the client disconnects or the server stops.

    An error after the headers were sent is raised, so that the server aborts the connection: the
    client must not mistake a part for the whole.
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
        watch: Watch = unwatched,
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
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        disconnected = False
        sending = anyio.Lock()

        async def send_chunk(chunk: bytes) -> None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

        async def send_in_turn(chunk: bytes) -> None:
            async with sending:
                await send_chunk(chunk)

        async def until_disconnected() -> None:
            nonlocal disconnected
            while (await receive())["type"] != "http.disconnect":
                pass
            disconnected = True
            scope_of_chunks.cancel()

        async def until_stopping(stopping: Flag) -> None:
            await stopping.wait()
            scope_of_chunks.cancel()

        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            works: list[Callable[[], Awaitable[None]]] = [until_disconnected]
            if self._stopping is not None:
                works.append(partial(until_stopping, self._stopping))
            if self._keep_alive is not None:
                works.append(partial(_comment_every, self._keep_alive, send_in_turn))
            if self._watch is not unwatched:
                works.append(self._watch)
            async with beside(*works) as scope_of_chunks:
                send_next = send_chunk if self._keep_alive is None else send_in_turn
                async for chunk in self._chunks:
                    await send_next(chunk)
            if not disconnected:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            with anyio.CancelScope(shield=True):
                await self._close()


async def _comment_every(seconds: float, send: Callable[[bytes], Awaitable[None]]) -> None:
    while True:
        await anyio.sleep(seconds)
        await send(_COMMENT)


def event_stream(reply: EventStream, stopping: Flag) -> StreamedResponse:
    """Return the response for server-sent events."""

    async def encoded() -> AsyncGenerator[bytes, None]:
        async for event in reply.events:
            yield event.encode()

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
    """Return the response for a passed-through response of an external service."""
    return StreamedResponse(
        reply.status,
        tuple(end_to_end(reply.headers)),
        reply.chunks,
        reply.close,
        watch=reply.watch,
    )


_COMMENT = b":\n\n"
