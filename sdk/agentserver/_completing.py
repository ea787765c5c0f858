"""Completing what a call has only begun, because a person has to approve it first.

The operation that completes it is repeated for as long as it answers that no decision was made yet.
How long that can be is up to the server, where what was begun expires.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, Protocol, TypeGuard, TypeVar, cast

from attrs import evolve

from ._operation import AsyncResource, Call, Resource, client_of
from ._response import Response

T = TypeVar("T")


class Pending(Protocol):
    """What is to be approved."""

    @property
    def verification_uri(self) -> str: ...

    @property
    def user_code(self) -> str: ...


P = TypeVar("P", bound=Pending)


def show_code(pending: Pending) -> None:
    """Print where something is to be approved, and with which code, to standard error."""
    print(  # noqa: T201 - for the person who waits
        f"Open {pending.verification_uri} and enter the code {pending.user_code}",
        file=sys.stderr,
        flush=True,
    )


def completed(
    resource: Resource,
    begun: Any,
    is_pending: Callable[[object], TypeGuard[P]],
    again: Callable[[P], Call[T | P]],
    on_code: Callable[[P], object],
) -> T:
    """Return what was begun when it is complete.

    Arguments:
        resource: what completes it.
        begun: the first answer, which may be in a `Response`.
        is_pending: tells whether an answer says that no decision was made yet.
        again: makes the call that completes it.
        on_code: is called with what is to be approved, once.
    """
    answer = begun_by(begun)
    if is_pending(answer):
        on_code(answer)
    while is_pending(answer):
        answer = client_of(resource)._call(again(answer))
    return cast("T", as_begun(begun, answer))


async def completed_async(
    resource: AsyncResource,
    begun: Any,
    is_pending: Callable[[object], TypeGuard[P]],
    again: Callable[[P], Call[T | P]],
    on_code: Callable[[P], Awaitable[object] | object],
) -> T:
    """Return what was begun when it is complete; see `completed`."""
    answer = begun_by(begun)
    if is_pending(answer) and isawaitable(shown := on_code(answer)):
        await shown
    while is_pending(answer):
        answer = await client_of(resource)._call(again(answer))
    return cast("T", as_begun(begun, answer))


def begun_by(answer: Any) -> Any:
    """Return the data of an answer, which may be in a `Response`."""
    return answer.data if isinstance(answer, Response) else answer


def as_begun(begun: Any, answer: Any) -> Any:
    """Return the answer, in a `Response` if the first one was in one."""
    return evolve(begun, data=answer) if isinstance(begun, Response) else answer
