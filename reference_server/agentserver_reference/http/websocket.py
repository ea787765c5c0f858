"""WebSockets, which are authorised like every call before they are accepted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from agentserver_reference.domain.errors import Forbidden, Refusal
from agentserver_reference.logs import LOGGER, failure
from agentserver_reference.replies import SocketClosed, Upgrade, fitting

SWITCHING_PROTOCOLS = 101
NORMAL, NO_CODE, POLICY_VIOLATION, INTERNAL_ERROR = 1000, 1005, 1008, 1011

_logger = logging.getLogger(LOGGER)


def check_origin(headers: Headers, public_url: str | None) -> None:
    """Reject WebSockets from pages of other sites, for which browsers send the user's cookies.

    Browsers do not restrict them, but always send the header `Origin`. Other clients omit it.

    Raises:
        Forbidden: the origin is neither this host nor the public URL.
    """
    origin = headers.get("origin")
    if origin is None:
        return
    hosts = {headers.get("host", "").lower(), urlsplit(public_url or "").netloc.lower()}
    if urlsplit(origin).netloc.lower() not in hosts - {""}:
        raise Forbidden("origin not allowed")


async def refuse(socket: WebSocket, response: Response) -> None:
    """Send a response instead of accepting; without support by the ASGI server, a bare 403."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(response)
    else:
        await socket.close(POLICY_VIOLATION)


async def converse(
    socket: WebSocket, upgrade: Upgrade, headers: Mapping[str, str], request_id: str
) -> int:
    """Accept the WebSocket, run the handler's function, and return the close code."""
    try:
        return await _converse(socket, upgrade, headers, request_id)
    finally:
        with anyio.CancelScope(shield=True):
            await upgrade.close()


async def _converse(
    socket: WebSocket, upgrade: Upgrade, headers: Mapping[str, str], request_id: str
) -> int:
    await socket.accept(
        upgrade.subprotocol,
        [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    )
    opened = _Socket(socket)
    try:
        await upgrade.converse(opened)
        await opened.close(NORMAL)
    except SocketClosed:
        pass
    except Refusal as refusal:
        await opened.close(POLICY_VIOLATION, refusal.line)
    except Exception as error:  # noqa: BLE001 - it is logged, and closes the WebSocket
        failure(_logger, error, request_id=request_id)
        await opened.close(INTERNAL_ERROR, "internal error")
    return opened.code or NORMAL


class _Socket:
    """See replies.Socket."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self.code: int | None = None
        """The close code; None while it is open."""

    async def receive(self) -> str | bytes:
        self._check_open()
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            code: int = message.get("code", NO_CODE)
            self.code = code
            raise SocketClosed(code, message.get("reason") or "")
        text: str | None = message.get("text")
        return message["bytes"] if text is None else text

    async def send(self, message: str | bytes) -> None:
        self._check_open()
        key = "text" if isinstance(message, str) else "bytes"
        await self._send({"type": "websocket.send", key: message})
        self._check_open()

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        if self.code is None:
            self.code = code
            message = {"type": "websocket.close", "code": code, "reason": fitting(reason)}
            await self._send(message)

    async def _send(self, message: Message) -> None:
        try:
            await self._socket.send(message)
        except WebSocketDisconnect as gone:
            self.code = gone.code

    def _check_open(self) -> None:
        if self.code is not None:
            raise SocketClosed(self.code)
