"""Rows that a call takes from the server, one by one; those that were not taken yet are kept.

The server gives each row once. So a row that was received is kept until it is taken, also
if the loop over the rows ends early.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, TypeVar

from ._operation import AsyncResource, Call, CallOptions, Resource, client_of

Row = TypeVar("Row")


def take(
    resource: Resource, call: Callable[[], Call[Sequence[Row]]], options: CallOptions
) -> Iterator[Row]:
    """Iterate over the rows that there are; the call is made when all received ones are taken."""
    received = _received(client_of(resource), call)
    while True:
        while received:
            yield received.popleft()
        rows = resource._call(call(), **options)
        if not rows:
            return
        received.extend(rows)


async def take_async(
    resource: AsyncResource, call: Callable[[], Call[Sequence[Row]]], options: CallOptions
) -> AsyncIterator[Row]:
    """Iterate over the rows that there are; see `take`."""
    received = _received(client_of(resource), call)
    while True:
        while received:
            yield received.popleft()
        rows = await resource._call(call(), **options)
        if not rows:
            return
        received.extend(rows)


def _received(client: Any, call: Callable[[], Call[Any]]) -> deque[Any]:
    """What was received by earlier calls of the operation and is not taken yet."""
    found: deque[Any] = client._shared.received.setdefault(call().operation.id, deque())
    return found
