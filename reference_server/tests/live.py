"""A server with streams and WebSockets, which the real contract does not contain yet."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
from every_kind import SCHEMES, SESSION_TOKEN, populate
from listening import Listening, listening
from serving import in_memory

from agentserver_reference.app import create_app
from agentserver_reference.call import Call
from agentserver_reference.contract import compile_contract
from agentserver_reference.replies import AnyReply

SESSION = {"Cookie": f"agentserver-token={SESSION_TOKEN}"}

_HEADER = {"required": True, "schema": {"type": "string", "minLength": 1}}
_HEADERS = {"X-Request-Id": _HEADER, "X-Content-Type-Options": _HEADER}


def _operation(name: str, status: str, media_type: str | None = None) -> dict[str, Any]:
    content = {"content": {media_type: {"schema": {"type": "string"}}}} if media_type else {}
    refused = {"headers": _HEADERS, "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "get": {
            "operationId": name,
            "tags": ["live"],
            "x-required-role": "user",
            "security": [{"sessionCookie": []}],
            "responses": {
                status: {"headers": _HEADERS, **content},
                "401": refused,
                "403": refused,
                "404": refused,
                "426": refused,
            },
        }
    }


DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {
        "/events": _operation("watch", "200", "text/event-stream"),
        "/file": _operation("download", "200", "application/octet-stream"),
        "/socket": _operation("talk", "101"),
        "/page": _operation("look", "200", "application/json"),
    },
}


@attrs.define
class Live:
    """A running server. Its only handler, for all paths, is set by the test."""

    running: Listening
    answer: Callable[[Call], Awaitable[AnyReply]] | None = None

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://{self.running.address}{path}"


@asynccontextmanager
async def live_server(*, validate_responses: bool = True, **settings: Any) -> AsyncIterator[Live]:
    """Start the server, with an account whose session is SESSION."""

    async def handler(call: Call) -> AnyReply:
        assert live.answer is not None
        return await live.answer(call)

    names = [item["get"]["operationId"] for item in DOCUMENT["paths"].values()]  # type: ignore[attr-defined]
    app = create_app(
        in_memory(**settings),
        contract=compile_contract(DOCUMENT, closed=True),
        handlers={f"live.{name}": handler for name in names},
        schemes=SCHEMES,
        validate_responses=validate_responses,
    )
    async with listening(app) as running:
        await populate(app)
        live = Live(running)
        yield live
