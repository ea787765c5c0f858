"""What a handler gives back: one class for each way to answer.

A refusal is not among them: it is raised, as one of `domain.errors`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import attrs

Headers = tuple[tuple[str, str], ...]


@attrs.frozen
class Reply:
    """A status, a body that is sent as JSON (`None`: no body), and extra headers."""

    status: int
    body: Any = None
    headers: Headers = ()


@attrs.frozen
class Redirect:
    """Another address as the answer: an absolute URI, or a path on this server."""

    location: str
    status: int = 302
    headers: Headers = ()


@attrs.frozen
class Event:
    """One server-sent event. Neither its name nor its id may hold a line break."""

    data: str
    name: str | None = None
    id: str | None = None


@attrs.frozen
class EventStream:
    """Server-sent events, each sent when it comes.

    The generator is closed when the caller hangs up, and when the server stops.
    """

    events: AsyncGenerator[Event, None]
    status: int = 200
    headers: Headers = ()
    keep_alive: float = 15.0
    """Seconds after which a comment is sent, so that no proxy takes the connection for dead."""


@attrs.frozen
class PassThrough:
    """What an outside service answers, passed on byte by byte as it comes.

    `close` is called in the end, whoever hangs up first and whether or not anything was read.
    """

    status: int
    headers: Headers
    """All of the service's; those between it and us alone are dropped."""
    chunks: AsyncIterator[bytes]
    close: Callable[[], Awaitable[None]]


class Socket(Protocol):
    """An open WebSocket."""

    async def receive(self) -> str | bytes:
        """The next message. Raises SocketClosed once the other side has gone."""
        ...

    async def send(self, message: str | bytes) -> None:
        """Send a message as text or as binary. Raises SocketClosed."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it, with a code of RFC 6455 and at most 123 bytes of reason."""
        ...


class SocketClosed(Exception):
    """The other side of a WebSocket has gone; `code` says why, by RFC 6455."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the WebSocket was closed with {code}")
        self.code = code


@attrs.frozen
class Upgrade:
    """The call becomes a WebSocket, which `converse` then uses.

    When it returns, the socket is closed with 1000; when it raises a Refusal, with 1008 and the
    refusal's line; when it fails otherwise, with 1011. SocketClosed may pass through it.
    """

    converse: Callable[[Socket], Awaitable[None]]
    subprotocol: str | None = None


AnyReply = Reply | Redirect | EventStream | PassThrough | Upgrade
