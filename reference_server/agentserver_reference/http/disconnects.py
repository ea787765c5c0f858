"""Work for a client that may hang up before it is done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.websockets import WebSocket

T = TypeVar("T")

_DISCONNECTS = ("http.disconnect", "websocket.disconnect")


async def while_connected(connection: Request | WebSocket, answer: Awaitable[T]) -> T:
    """Wait for an answer, but no longer than the client does.

    Arguments:
        connection: the request, or the WebSocket, which is not accepted yet.
        answer: what is waited for.

    Raises ClientDisconnect.
    """

    async def until_disconnected() -> None:
        while (await connection.receive())["type"] not in _DISCONNECTS:
            pass

    return await _before(until_disconnected, answer)


async def while_sending(
    request: Request, answer: Callable[[AsyncIterator[bytes]], Awaitable[T]]
) -> T:
    """Wait for an answer to a body, which is passed on while it arrives.

    Raises ClientDisconnect.
    """
    sending, body = anyio.create_memory_object_stream[bytes](0)

    async def until_disconnected() -> None:
        with sending:
            more = True
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    return
                more = message.get("more_body", False)
                if message.get("body"):
                    await sending.send(message["body"])
        while (await request.receive())["type"] != "http.disconnect":
            pass

    with body:
        return await _before(until_disconnected, answer(body))


async def _before(ends: Callable[[], Awaitable[None]], answer: Awaitable[T]) -> T:
    """Wait for an answer, but not after the client has gone."""
    answers: list[T] = []
    errors: list[Exception] = []

    async def until_disconnected() -> None:
        await ends()
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(until_disconnected)
        try:
            answers.append(await answer)
        except Exception as error:  # noqa: BLE001 - it is raised below, outside of the group
            errors.append(error)
        tasks.cancel_scope.cancel()
    if errors:
        raise errors[0]
    if not answers:
        raise ClientDisconnect
    return answers[0]
