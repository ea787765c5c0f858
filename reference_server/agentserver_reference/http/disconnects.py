"""Work for a client that may hang up before it is done."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import anyio
from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")


async def while_connected(request: Request, answer: Awaitable[T]) -> T:
    """Wait for an answer, but no longer than the client does.

    Raises ClientDisconnect.
    """
    answers: list[T] = []
    errors: list[Exception] = []

    async def until_disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
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
