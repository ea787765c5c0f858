"""A connection to `codex app-server`, by which the server itself has turns run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from agentserver_reference.gateways.codex import rpc
from agentserver_reference.gateways.codex.app_server import AppServer, CodexUnavailable
from agentserver_reference.gateways.codex.rpc import RpcError
from agentserver_reference.version import installed_version

_APPROVALS: Mapping[str, dict[str, Any]] = {
    "item/commandExecution/requestApproval": {"decision": "accept"},
    "item/fileChange/requestApproval": {"decision": "accept"},
    "execCommandApproval": {"decision": "approved"},
    "applyPatchApproval": {"decision": "approved"},
}
"""What is answered where a turn's parameters have codex ask: no person is there to decide."""


class ConnectionLost(Exception):
    """Codex has closed the connection."""


class Connection:
    """Sends requests, and keeps the notifications that come meanwhile."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last_id = 0
        self._notices: list[dict[str, Any]] = []

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request, and return its result. Raises RpcError and ConnectionLost."""
        self._last_id = number = self._last_id + 1
        await self._send(rpc.write(id=number, method=method, params=params))
        while True:
            message = await self._read()
            if "method" in message:
                self._notices.append(message)
            elif message.get("id") == number:
                break
        error = message.get("error")
        if isinstance(error, dict):
            raise RpcError(error.get("code", 0), str(error.get("message", "")))
        result = message.get("result")
        return result if isinstance(result, dict) else {}

    async def notify(self, method: str) -> None:
        """Send a notification. Raises ConnectionLost."""
        await self._send(rpc.write(method=method))

    async def next(self) -> tuple[str, dict[str, Any]]:
        """Return the next notification and its parameters. Raises ConnectionLost."""
        while True:
            message = self._notices.pop(0) if self._notices else await self._read()
            params = message.get("params")
            if "method" in message:
                return str(message["method"]), params if isinstance(params, dict) else {}

    async def _read(self) -> dict[str, Any]:
        """Return the next message that is no request, which is answered at once."""
        while True:
            try:
                message = rpc.read(await self._socket.recv())
            except ConnectionClosed:
                raise ConnectionLost from None
            if message is None:
                continue
            if "method" not in message or "id" not in message:
                return message
            answer = _APPROVALS.get(str(message["method"]))
            if answer is None:
                error = RpcError(rpc.METHOD_NOT_FOUND, "no person is there to answer")
                await self._send(rpc.refusal(message, error))
            else:
                await self._send(rpc.write(id=message["id"], result=answer))

    async def _send(self, message: str) -> None:
        try:
            await self._socket.send(message)
        except ConnectionClosed:
            raise ConnectionLost from None


@asynccontextmanager
async def connected(server: AppServer) -> AsyncIterator[Connection]:
    """Connect to codex. Raises CodexUnavailable."""
    try:
        socket = await server.connect()
    except (OSError, TimeoutError, WebSocketException):
        raise CodexUnavailable("codex could not be reached") from None
    async with socket:
        connection = Connection(socket)
        info = {"name": "agentserver", "title": "agentserver", "version": installed_version()}
        await connection.ask("initialize", clientInfo=info)
        await connection.notify("initialized")
        yield connection
