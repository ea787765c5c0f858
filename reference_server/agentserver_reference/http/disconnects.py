"""Work for a client that may hang up before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
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

    async def until_disconnected() -> None:
        await ends()
        scope.cancel()

    async with beside(until_disconnected) as scope:
        answers.append(await answer)
    if not answers:
        raise ClientDisconnect
    return answers[0]


@asynccontextmanager
async def beside(*works: Callable[[], Awaitable[None]]) -> AsyncIterator[anyio.CancelScope]:
    """Do works beside the block, until it ends. Cancelling the scope ends it early.

    An error of a work cancels the block, and is raised. What the block raises is raised as it is.

    (A task group of anyio takes 0.1 ms to end, because cancelling it writes its task as text:
    half as long as a short answer takes.)
    """

    async def watched(work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            scope.cancel()
            raise

    tasks: list[asyncio.Task[None]] = []
    with anyio.CancelScope() as scope:
        tasks += [asyncio.create_task(watched(work)) for work in works]
        try:
            yield scope
        finally:
            for task in tasks:
                task.cancel()
            with anyio.CancelScope(shield=True):  # also if the block was cancelled
                await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
