"""Plain functions that wait for coroutines, so that each query is written once for both drivers.

A function runs in a greenlet, which is left while a coroutine runs and entered again with what the
coroutine returned. Making a greenlet takes longer than a statement of PostgreSQL does, because the
system maps memory for its stack: so it is kept and used again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from greenlet import (  # type: ignore[import-untyped]
    GreenletExit,
    getcurrent,
    greenlet,
)

T = TypeVar("T")


def wait_for(awaitable: Awaitable[T]) -> T:
    """Wait for it, in a function that a `FunctionRunner` runs."""
    parent = getcurrent().parent
    if parent is None:
        raise RuntimeError("only a function that FunctionRunner runs can wait")
    return cast("T", parent.switch(awaitable))


class FunctionRunner:
    """Runs functions that use `wait_for`, one at a time, in a greenlet of its own."""

    def __init__(self) -> None:
        self._greenlet = greenlet(self._serve)
        self._function: Callable[[], Any] = _nothing
        self._result: Any = None
        self._error: BaseException | None = None

    async def run(self, function: Callable[[], T]) -> T:
        """Run the function, and return what it returns or raise what it raises."""
        self._function = function
        awaited = self._greenlet.switch()
        while awaited is not None:
            try:
                value = await awaited
            except BaseException as failure:  # noqa: BLE001 - it is raised in the function
                awaited = self._greenlet.throw(failure)
            else:
                awaited = self._greenlet.switch(value)
        # What a function returned or raised is not kept until the next one.
        result, self._result = self._result, None
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error
        return cast("T", result)

    def _serve(self) -> None:
        while True:
            function, self._function = self._function, _nothing
            try:
                self._result = function()
            except GreenletExit:  # nothing refers to the greenlet any more
                raise
            except BaseException as error:  # noqa: BLE001 - `run` raises it
                self._error = error
            del function
            # None says that the function has ended.
            parent = self._greenlet.parent
            assert parent is not None  # noqa: S101 - only the first greenlet of a thread has none
            parent.switch(None)


def _nothing() -> None:
    """What runs by default."""
