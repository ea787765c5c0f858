"""The results of handlers: one class for each kind of response.

Errors are not among them: a handler raises one of `domain.errors`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Protocol, TypeAlias

import attrs

Headers = tuple[tuple[str, str], ...]


@attrs.frozen
class Reply:
    """A status, a body that is sent as JSON (`None` for no body), and additional headers."""

    status: int
    body: Any = None
    headers: Headers = ()


@attrs.frozen
class Redirect:
    """A redirect to an absolute URI, or to a path on this server."""

    location: str
    status: int = 302
    headers: Headers = ()


@attrs.frozen
class Event:
    """One server-sent event. Its name and its id must not contain line breaks."""

    data: str
    name: str | None = None
    id: str | None = None

    @classmethod
    def of_json(cls, data: Any, name: str | None = None) -> Event:
        """Return an event with data that is sent as JSON."""
        return cls(json.dumps(data, ensure_ascii=False), name)

    def encode(self) -> bytes:
        """Encode it as `text/event-stream`. Raises ValueError for a line break in name or id."""
        lines = []
        for field, value in (("event", self.name), ("id", self.id)):
            if value is not None:
                if len(f"{value}.".splitlines()) > 1:
                    raise ValueError(f"the {field} of a server-sent event holds a line break")
                lines.append(f"{field}: {value}")
        # Not str.splitlines, which drops an empty last line and knows more breaks than browsers.
        data = self.data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        lines += [f"data: {line}" for line in data]
        return ("\n".join(lines) + "\n\n").encode()


@attrs.frozen
class EventStream:
    """Server-sent events, each sent as soon as it is generated.

    The generator is closed when the client disconnects, and when the server stops.
    """

    events: AsyncGenerator[Event, None]
    status: int = 200
    headers: Headers = ()
    keep_alive: float = 15.0
    """Seconds between comments, which keep proxies from closing an idle connection."""


Watch: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


async def unwatched() -> None:
    """What is passed on may be, until its end."""


@attrs.frozen
class PassThrough:
    """The response of an external service, passed through without buffering.

    `close` is always called at the end, also if the client disconnects or nothing was read.
    """

    status: int
    headers: Headers
    """All headers of the service; hop-by-hop headers are dropped."""
    chunks: AsyncIterator[bytes]
    close: Callable[[], Awaitable[None]]
    watch: Watch = unwatched
    """Goes on beside it, and raises when it may no longer be passed on, which breaks it off."""


class Socket(Protocol):
    """An open WebSocket."""

    async def receive(self) -> str | bytes:
        """Return the next message. Raises SocketClosed if the client has disconnected."""
        ...

    async def send(self, message: str | bytes) -> None:
        """Send a text or binary message. Raises SocketClosed."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it with a code of RFC 6455; a reason is cut at 123 bytes."""
        ...


class SocketClosed(Exception):
    """The WebSocket is closed, with a code of RFC 6455, and the reason that its other end gave."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"the WebSocket was closed with {code}")
        self.code = code
        self.reason = reason


def fitting(reason: str) -> str:
    """Return as much of a reason as a close frame holds, which is 123 bytes."""
    return reason.encode()[:123].decode(errors="ignore")


async def nothing_else() -> None:
    """Nothing is open besides the WebSocket."""


@attrs.frozen
class Upgrade:
    """The connection becomes a WebSocket, and `converse` is called with it.

    When `converse` returns, the WebSocket is closed with 1000; if it raises a Refusal, with 1008
    and the refusal's line; on other errors, with 1011. It need not catch SocketClosed.

    `close` is always called at the end, also if the client left before it was accepted.
    """

    converse: Callable[[Socket], Awaitable[None]]
    subprotocol: str | None = None
    close: Callable[[], Awaitable[None]] = nothing_else


@attrs.frozen
class WhileConnected:
    """A reply that takes long to make. Making it is cancelled when the client disconnects."""

    make: Callable[[], Awaitable[Reply]]


AnyReply = Reply | Redirect | EventStream | PassThrough | Upgrade | WhileConnected


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
"""Headers that must not be forwarded (RFC 9110, section 7.6.1)."""

_OUR_OWN = frozenset({"date", "server", "set-cookie", "x-content-type-options", "x-request-id"})
"""Headers that this server sets itself; and another service may not set cookies for it."""


def end_to_end(headers: Headers) -> Iterator[tuple[str, str]]:
    """Return the headers that may be forwarded, in either direction."""
    named = {
        name.strip().lower()
        for header, value in headers
        if header.lower() == "connection"
        for name in value.split(",")
    }
    dropped = _HOP_BY_HOP | _OUR_OWN | named
    return ((name, value) for name, value in headers if name.lower() not in dropped)
