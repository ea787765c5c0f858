"""Brings messages to what runs in a sandbox."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from agentserver_reference.gateways.failures import NotUnderstood, OutsideError, Unreachable

if TYPE_CHECKING:
    from agentserver_reference.gateways.outside import Outside


class Bridge:
    """Calls sandboxes on this machine; httpx is imported with the first message."""

    def __init__(self) -> None:
        self._outside: Outside | None = None

    async def hand_over(self, port: int, secret: str, message: dict[str, Any], name: str) -> None:
        """Bring a message to the sandbox that listens on a port.

        Arguments:
            port: the port.
            secret: proves that it is this server.
            message: `chat_jid`, `timestamp`, `provider` and the rest of the message.
            name: what the conversation is called.

        Raises OutsideError: it has not been taken.
        """
        chat = {field: message[field] for field in ("chat_jid", "timestamp", "provider")}
        await self._post(port, secret, "metadata", {**chat, "name": name})
        if await self._post(port, secret, "message", message) != HTTPStatus.OK:
            raise NotUnderstood

    async def _post(self, port: int, secret: str, path: str, body: dict[str, Any]) -> int:
        from agentserver_reference.gateways.outside import Outside

        if self._outside is None:
            self._outside = Outside(private_allowed=True)
        url, headers = f"http://127.0.0.1:{port}/{path}", {"authorization": f"Bearer {secret}"}
        try:
            status, _ = await self._outside.send("POST", url, headers=headers, json=body)
        except OutsideError:
            raise Unreachable from None
        return status

    async def close(self) -> None:
        """Close the connections."""
        if self._outside is not None:
            await self._outside.close()
