"""Work that a call begins and that goes on after its answer.

It ends with the process. Whatever must not be left undone is kept in the database, where a loop of
`runner` takes it up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from agentserver_reference import logs
from agentserver_reference.domain.errors import DatabaseUnavailable

_logger = logging.getLogger(logs.LOGGER)


class Background:
    """Keeps the work that is under way, as an asynchronous context manager that cancels it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Begin some work; what it raises is logged."""
        task = asyncio.create_task(self._run(name, work), name=f"worker {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except DatabaseUnavailable:
            pass  # the store has logged it
        except Exception:
            _logger.exception("background work failed", extra=logs.extra(work=name))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
