"""A person's own codex, which is connected with a codex token."""

import asyncio
import json
from typing import Any

import attrs
import httpx
from listening import SECONDS
from machines import USER_AGENT
from websockets.asyncio.client import ClientConnection, connect

PATH = "/codex-app/ws"


def connecting(
    client: httpx.AsyncClient, token: str | None, path: str = PATH, **headers: str
) -> Any:
    """A WebSocket of a person's own codex."""
    url = str(client.base_url).rstrip("/").replace("http", "ws", 1)
    bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
    return connect(
        f"{url}{path}",
        additional_headers=bearer | headers,
        user_agent_header=USER_AGENT,
        open_timeout=SECONDS,
        close_timeout=1,
    )


@attrs.define
class Remote:
    """A person's own codex, which has connected."""

    socket: ClientConnection
    _last_id: int = 0
    notices: list[dict[str, Any]] = attrs.field(factory=list)

    async def read(self) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS):
            found: dict[str, Any] = json.loads(await self.socket.recv())
        return found

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a request; what is said before it is kept."""
        self._last_id = number = self._last_id + 1
        await self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (message := await self.read()).get("id") != number:
            self.notices.append(message)
        return message

    async def result(self, method: str, **params: Any) -> dict[str, Any]:
        answer = await self.ask(method, **params)
        assert "result" in answer, answer
        found: dict[str, Any] = answer["result"]
        return found

    async def until(self, method: str) -> dict[str, Any]:
        """The parameters of the next notification of a kind."""
        while True:
            message = self.notices.pop(0) if self.notices else await self.read()
            if message.get("method") == method:
                params: dict[str, Any] = message["params"]
                return params

    async def initialize(self) -> None:
        info = {"name": "codex-tui", "title": None, "version": "0.140.0"}
        await self.result("initialize", clientInfo=info)
        await self.socket.send(json.dumps({"method": "initialized"}))

    async def turn(self, text: str, thread_id: str) -> dict[str, Any]:
        """A turn, when it has ended."""
        said = [{"type": "text", "text": text}]
        began = await self.result("turn/start", threadId=thread_id, input=said)
        ended = await self.until("turn/completed")
        assert (ended["threadId"], ended["turn"]["id"]) == (thread_id, began["turn"]["id"])
        turn: dict[str, Any] = ended["turn"]
        return turn
