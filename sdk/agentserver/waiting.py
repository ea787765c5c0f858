"""Waiting until a thing is in some state: it is read again and again, ever less often.

Like `_transport`, one flow makes every decision, and synchronous and asynchronous waiting differ in
the driver alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

from attrs import evolve, frozen

from ._errors import ArgumentError, WaitFailed, WaitTimeout
from ._operation import AsyncResource, Call, Resource, client_of
from ._pacer import Pacer
from ._response import Response
from ._transport import Runtime, Sleep, drive, drive_async

T = TypeVar("T")

TIMEOUT: Final = 300.0
"""Seconds that a wait may take, unless the caller says otherwise."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0
_GROWTH: Final = 1.5

Step: TypeAlias = "Call[T] | Sleep"
Progress: TypeAlias = Callable[[T], object]


@frozen(eq=False, repr=False)
class Waiting(Generic[T]):
    """What the contract says of waiting for a thing."""

    read: Callable[[str], Call[T]]
    """Makes the call that reads the thing with an id."""
    field: str
    """The attribute that is its state."""
    until: str
    """The state that is waited for, unless the caller says otherwise."""
    dead_ends: Mapping[str, frozenset[str]]
    """By each state that can be waited for: those from which it is not reached by itself."""


def wait(
    resource: Resource,
    waiting: Waiting[T],
    id: str,
    *,
    until: str | None = None,
    timeout: float = TIMEOUT,
    progress: Progress[T] | None = None,
) -> T:
    """Wait for a thing, and return it as it is then. See `wait_flow`."""
    client = client_of(resource)
    shared = client._shared
    steps = wait_flow(waiting, id, until, timeout, progress, shared.runtime, shared.pacer)
    return drive(steps, lambda step: perform(client, step))  # type: ignore[arg-type]


async def wait_async(
    resource: AsyncResource,
    waiting: Waiting[T],
    id: str,
    *,
    until: str | None = None,
    timeout: float = TIMEOUT,
    progress: Progress[T] | None = None,
) -> T:
    """Wait for a thing, and return it as it is then. See `wait_flow`."""
    client = client_of(resource)
    shared = client._shared
    steps = wait_flow(waiting, id, until, timeout, progress, shared.runtime, shared.pacer)
    return await drive_async(steps, lambda step: perform(client, step))  # type: ignore[arg-type]


def wait_for_new(resource: Resource, waiting: Waiting[T], made: Any, id: str) -> T:
    """Wait for what was created just now.

    Arguments:
        resource: what reads it.
        waiting: how it is waited for.
        made: the answer to its creation, which may be in a `Response`.
        id: the attribute of the answer that holds its id.
    """
    if not isinstance(made, Response):
        return wait(resource, waiting, getattr(made, id))
    found: Any = evolve(made, data=wait(resource, waiting, getattr(made.data, id)))
    return cast("T", found)


async def wait_for_new_async(resource: AsyncResource, waiting: Waiting[T], made: Any, id: str) -> T:
    """Wait for what was created just now; see `wait_for_new`."""
    if not isinstance(made, Response):
        return await wait_async(resource, waiting, getattr(made, id))
    found: Any = evolve(made, data=await wait_async(resource, waiting, getattr(made.data, id)))
    return cast("T", found)


def perform(client: Any, step: Step[Any]) -> Any:
    """Do what a flow asks for: a coroutine, for an asynchronous client."""
    return client._perform(step) if isinstance(step, Sleep) else client._call(step)


def wait_flow(
    waiting: Waiting[T],
    id: str,
    until: str | None,
    timeout: float,
    progress: Progress[T] | None,
    runtime: Runtime,
    pacer: Pacer,
) -> Generator[Step[T], Any, T]:
    """Read a thing until it is in a state; yields calls, and pauses between them.

    Raises:
        ArgumentError: the state cannot be waited for.
        WaitFailed: the thing is in a state from which the one waited for is not reached by itself.
        WaitTimeout: the time is over.
    """
    goal = waiting.until if until is None else str(getattr(until, "value", until))
    if goal not in waiting.dead_ends:
        raise ArgumentError(f"until must be one of {', '.join(waiting.dead_ends)}")
    ends, pause = runtime.clock() + timeout, _FIRST_PAUSE
    delay = pacer.reserve(runtime.clock())
    while True:
        if delay:
            yield Sleep(delay)
        found = yield waiting.read(id)
        if progress is not None:
            progress(found)
        value = getattr(found, waiting.field)
        state = str(getattr(value, "value", value))
        if state == goal:
            result: T = found
            return result
        if state in waiting.dead_ends[goal]:
            raise WaitFailed(
                f"{id} is {state}, and does not become {goal} by itself", found, id=id, state=state
            )
        delay = None
        if (left := ends - runtime.clock()) > 0:
            yield Sleep(min(left, pause * (0.8 + 0.4 * runtime.random_number())))
            pause = min(_LONGEST_PAUSE, pause * _GROWTH)
            delay = pacer.reserve(runtime.clock(), ends)
        if delay is None:
            raise WaitTimeout(
                f"{id} is still {state} after {timeout:g} seconds, and not {goal}",
                found,
                id=id,
                state=state,
            )
