"""ASGI applications around the reference server that treat some requests otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Seen:
    """A request on its way to the server."""

    method: str
    path: str
    """Still percent-encoded."""
    headers: Mapping[str, str]
    body: bytes


def rewriting(change: Callable[[Seen], Seen]) -> Callable[[App], App]:
    """The server gets other requests than were sent; path and body are changed."""

    def wrap(app: App) -> App:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            sent = await seen(scope, receive)
            changed = change(sent)
            await app(*as_asgi(scope, changed, receive), send)

        return wrapped

    return wrap


def answering(answer: Callable[[Seen], tuple[int, str] | None]) -> Callable[[App], App]:
    """Some requests are answered with a status and a line, before the server sees them."""

    def wrap(app: App) -> App:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            sent = await seen(scope, receive)
            given = answer(sent)
            if given is None:
                await app(*as_asgi(scope, sent, receive), send)
                return
            status, line = given
            headers = {
                "content-type": "text/plain; charset=utf-8",
                "x-request-id": "of-this-test",
                "x-content-type-options": "nosniff",
            }
            raw = [(name.encode(), value.encode()) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": status, "headers": raw})
            body = f"{line}\n".encode() if line else b""
            await send({"type": "http.response.body", "body": body})

        return wrapped

    return wrap


async def seen(scope: Scope, receive: Receive) -> Seen:
    """The request, with its whole body."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
    return Seen(scope["method"], path, headers, body)


def as_asgi(scope: Scope, sent: Seen, receive: Receive) -> tuple[Scope, Receive]:
    """The same request as an application is given it, which is told when its client hangs up."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": sent.body, "more_body": False}
    ]

    async def receive_again() -> dict[str, Any]:
        return messages.pop() if messages else await receive()

    length = str(len(sent.body)).encode()
    headers = [
        (name, length if name == b"content-length" else value) for name, value in scope["headers"]
    ]
    return {**scope, "raw_path": sent.path.encode("latin-1"), "headers": headers}, receive_again
