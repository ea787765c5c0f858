"""WebSockets to clusters, by which commands are executed in pods and ports are forwarded."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)
from websockets.http11 import Response
from websockets.typing import Subprotocol

from agentserver_reference.gateways.clusters import Declined
from agentserver_reference.gateways.failures import CredentialRefused, NotUnderstood, Unreachable
from agentserver_reference.gateways.outside import TIMEOUT, Outside
from agentserver_reference.replies import SocketClosed, fitting

MOST_BYTES = 1 << 20
"""Of a message of a cluster. Kubernetes sends at most 32 KiB at once."""

_MOST_WAITING = 4
"""Messages of a cluster that are kept until the client takes them."""

_PONG = 60.0
"""Seconds that a cluster has to answer a ping, as kubectl gives it. It does not while a command in
a pod reads nothing of what it is sent.
"""

_CLOSING = 2.0
"""Seconds that a cluster has to take its leave."""

_ABNORMAL = 1006


class ClusterSocket:
    """A WebSocket to a cluster. See replies.Socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @property
    def subprotocol(self) -> str | None:
        """What the cluster has chosen of what was offered."""
        return self._connection.subprotocol

    async def receive(self) -> str | bytes:
        """Return the next message. Raises SocketClosed."""
        try:
            return await self._connection.recv()
        except ConnectionClosed as error:
            raise _closed(error) from None

    async def send(self, message: str | bytes) -> None:
        """Send a message, once there is room for it. Raises SocketClosed."""
        try:
            await self._connection.send(message)
        except ConnectionClosed as error:
            raise _closed(error) from None

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it, unless it is closed."""
        await self._connection.close(code, fitting(reason))


async def open_socket(
    outside: Outside,
    url: str,
    tls: ssl.SSLContext,
    headers: Sequence[tuple[str, str]],
    subprotocols: Sequence[str],
) -> ClusterSocket | Declined:
    """Open a WebSocket, and follow no redirect.

    Arguments:
        outside: what makes the connection.
        url: where, as an address of HTTP.
        tls: what the cluster has to prove, and with what we do.
        headers: what is sent besides those of WebSockets.
        subprotocols: what the cluster may choose from.

    Raises OutsideError.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    offered = [("sec-websocket-protocol", ", ".join(subprotocols))] if subprotocols else []
    options: dict[str, Any] = {"ssl": tls, "ssl_handshake_timeout": TIMEOUT} if secure else {}
    connection = await outside.connect(parts.hostname or "", parts.port or (443 if secure else 80))
    try:
        with ExitStack() as undo:
            undo.callback(connection.close)
            opened = await _Connect(
                # The library would drop what follows a semicolon.
                url.replace("http", "ws", 1).replace(";", "%3B"),
                sock=connection,
                create_connection=_Connection,
                additional_headers=[*headers, *offered],
                user_agent_header="agentserver",
                proxy=None,
                compression=None,
                open_timeout=None,  # the client says how long
                ping_timeout=_PONG,
                close_timeout=_CLOSING,
                max_size=MOST_BYTES,
                max_queue=_MOST_WAITING,
                **options,
            )
            undo.pop_all()
    except InvalidStatus as error:
        return _declined(error.response)
    except InvalidMessage as error:
        # Where a connection ends without an answer, TLS may have refused our certificate.
        raise (Unreachable if isinstance(error.__cause__, EOFError) else NotUnderstood) from None
    except InvalidHandshake:
        raise NotUnderstood from None
    except (WebSocketException, OSError):
        raise Unreachable from None
    if opened.subprotocol not in {None, *subprotocols}:
        await opened.close()
        raise NotUnderstood
    return ClusterSocket(opened)


class _Connect(connect):
    """Follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Connection(ClientConnection):
    """Takes any subprotocol: the library has no words for the slash of `SPDY/3.1+...`."""

    def __init__(self, protocol: ClientProtocol, **options: Any) -> None:
        super().__init__(protocol, **options)
        protocol.process_subprotocol = _subprotocol  # type: ignore[method-assign]


def _subprotocol(headers: Headers) -> Subprotocol | None:
    chosen = ", ".join(headers.get_all("sec-websocket-protocol"))
    return Subprotocol(chosen) if chosen else None


def _declined(response: Response) -> Declined:
    """Return what a cluster answers instead. Raises OutsideError."""
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise CredentialRefused
    if response.status_code < HTTPStatus.OK:
        raise NotUnderstood
    headers = tuple(each for each in response.headers.raw_items() if each[1].isascii())
    return Declined(response.status_code, headers, bytes(response.body or b""))


def _closed(error: ConnectionClosed) -> SocketClosed:
    """Return how a connection was closed: by the cluster, or by us for what it does."""
    frame = error.rcvd or error.sent
    return SocketClosed(_ABNORMAL) if frame is None else SocketClosed(frame.code, frame.reason)
