"""A coroutine that is interrupted only where nothing gets lost by it.

httpcore waits in places where it must not be interrupted: for its own locks, and while it puts a
connection back into its pool. A cancellation that arrives there leaves a request or a connection in
the pool for good, and after enough of them no call gets a connection any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

_PATIENCE: Final = 0.05
"""Seconds after which a coroutine is interrupted wherever it is, if it also had these turns."""
_TURNS: Final = 100
"""Turns of the event loop, for a busy machine may give no turn at all in so many seconds."""


class Interruptible(Generic[T]):
    """Runs a coroutine in a task of its own, which `interrupt` ends by a `CancelledError`.

    Args:
        coroutine: what is run.
        is_safe: tells whether the coroutine can be interrupted where it waits now.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T], is_safe: Callable[[], bool]) -> None:
        self._coroutine = coroutine
        self._is_safe = is_safe
        self._waits_for: asyncio.Future[Any] | None = None
        self._pending = False
        self._overdue = False

    async def run(self) -> T | asyncio.CancelledError:
        """Run the coroutine to its end.

        A cancellation of the caller interrupts the coroutine, and is returned when that has cleaned
        up behind itself: raised here, it would lead to frames that hold a request.
        """
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()
        task = loop.create_task(self._settle(result))
        try:
            return await result
        except asyncio.CancelledError as cancelled:
            while not task.done():
                self.interrupt()
                await _patiently(task)
            return cancelled.with_traceback(None)

    def interrupt(self) -> None:
        """End the coroutine where it waits, or where it waits next, or soon anyway."""
        if not self._pending:
            self._pending = True
            asyncio.get_running_loop().call_later(_PATIENCE, self._insist, _TURNS)
            self._deliver()

    async def _settle(self, result: asyncio.Future[T]) -> None:
        try:
            value = await self
        except Exception as error:  # noqa: BLE001  # raised where the result is awaited
            if not result.done():
                result.set_exception(error)
        else:
            if not result.done():
                result.set_result(value)
        finally:
            result.cancel()  # nothing but the end of the event loop leaves it undone

    def __await__(self) -> Generator[Any, None, T]:
        error: BaseException | None = None
        while True:
            try:
                self._waits_for = (
                    self._coroutine.send(None) if error is None else self._coroutine.throw(error)
                )
            except StopIteration as end:
                result: T = end.value
                return result
            if self._pending:
                self._deliver()
            try:
                yield self._waits_for
            except BaseException as problem:  # noqa: BLE001  # passed on to the coroutine
                error = problem
            else:
                error = asyncio.CancelledError() if self._must_throw() else None

    def _deliver(self) -> None:
        # A bare turn of the event loop waits for no future. A future that is done already is not
        # cancelled any more, so that what it brings does not get lost.
        if self._waits_for is not None and (self._overdue or self._is_safe()):
            self._pending = not self._waits_for.cancel()

    def _insist(self, turns: int) -> None:
        if not self._pending:
            return
        if turns:
            asyncio.get_running_loop().call_soon(self._insist, turns - 1)
        else:
            self._overdue = True
            self._deliver()

    def _must_throw(self) -> bool:
        """Whether a coroutine that never waits for a future is to be interrupted all the same."""
        throw = self._pending and self._overdue and self._waits_for is None
        self._pending = self._pending and not throw
        return throw


async def _patiently(task: asyncio.Task[None]) -> None:
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        return  # the task is interrupted once more, and waited for again
