"""Calls an operation of the application in this process, without a socket."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import attrs
from starlette.types import ASGIApp, Message

from agentserver_reference.contract import Contract
from agentserver_reference.domain.sessions import COOKIE_NAME


@attrs.frozen
class Answer:
    """The answer of an operation."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the operation succeeded."""
        return 200 <= self.status < 300

    @property
    def line(self) -> str:
        """What an error says."""
        return self.body.decode().strip()

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@attrs.frozen
class InProcess:
    """The application, and the contract whose operations it has."""

    app: ASGIApp
    contract: Contract

    async def call(
        self, operation: str, session: str | None = None, *, body: Any = None, **path: str
    ) -> Answer:
        """Call an operation.

        Arguments:
            operation: its operationId.
            session: the token of the session to call with.
            body: the body, which is sent as JSON.
            path: the parameters of the path.
        """
        found = next(one for one in self.contract.operations if one.id == operation)
        raw = found.path.format(**{name: quote(value, safe="") for name, value in path.items()})
        headers = [(b"host", b"localhost")]
        if session is not None:
            headers.append((b"cookie", f"{COOKIE_NAME}={session}".encode()))
        content = b"" if body is None else json.dumps(body).encode()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": found.method,
            "scheme": "http",
            "path": raw,
            "raw_path": raw.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
        }
        received: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            received.append(message)

        await self.app(scope, receive, send)
        sent = b"".join(message.get("body", b"") for message in received)
        return Answer(received[0]["status"], sent)
