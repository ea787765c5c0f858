"""Runs background loops, each in one of the processes that share a database.

Which process leads a loop is a row of the table `worker_leases`, not a lock of a database session:
a connection pooler such as PgBouncer hands a session to many clients, and its locks with it.

The leader renews its lease while it leads, and gives it up when it stops. A leader that dies or
loses the database renews nothing, so its lease expires and another process takes it. Clocks that
differ between the machines shift that moment by their difference; a loop must bear running twice
for that long, as it must bear being cut off anywhere by the end of its process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import attrs

from agentserver_reference import logs
from agentserver_reference.domain.errors import DatabaseUnavailable
from agentserver_reference.storage import Store, worker_leases

LEASE = 60
"""Seconds after which a lease that is not renewed may be taken by another process."""

RENEWAL = 20
"""Seconds between two renewals of the leader, and between two attempts of the others."""

Wait = Callable[[float], Awaitable[object]]
"""Waits for so many seconds."""

_logger = logging.getLogger(logs.LOGGER)


@attrs.frozen
class Loop:
    """Work that is done again and again while the server runs."""

    name: str
    """Names the lease: the same in every process and in every version of the server."""
    interval: float
    """Seconds from the end of a round to the start of the next."""
    run: Callable[[], Awaitable[object]]
    """One round. What it raises is logged, and the next round comes all the same."""


class Runner:
    """Leads those of its loops that no other process leads, as an asynchronous context manager.

    Arguments:
        loops: what there is to do.
        store: the database, open as long as the runner is.
        clock: the time, aware and in UTC.
        holder: an id of this process that no other has.
        wait: waits for so many seconds.
    """

    def __init__(
        self,
        loops: Sequence[Loop],
        store: Store,
        *,
        clock: Callable[[], datetime],
        holder: str,
        wait: Wait = asyncio.sleep,
    ) -> None:
        self._loops = loops
        self._store = store
        self._clock = clock
        self._holder = holder
        self._wait = wait
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        for loop in self._loops:
            self._start(self._compete(loop), loop)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the loops where they are, and give up the leases."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with _logged("worker leases not released"):
            await self._store.write(worker_leases.release, self._holder)

    def _start(self, work: Coroutine[Any, Any, None], loop: Loop) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=f"worker {loop.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _compete(self, loop: Loop) -> None:
        """Lead the loop whenever its lease can be had."""
        while True:
            with _logged("worker lease not acquired", worker=loop.name):
                until = await self._acquire(loop)
                if until is not None:
                    await self._lead(loop, until)
            await self._wait(RENEWAL)

    async def _lead(self, loop: Loop, until: datetime) -> None:
        """Run the loop until the lease is lost: taken by another process, or not renewed in time.

        While the database does not answer, the lease is still ours until it expires.
        """
        rounds = self._start(self._repeat(loop), loop)
        try:
            while (left := (until - self._clock()).total_seconds()) > 0:
                await self._wait(min(RENEWAL, left))
                renewed: datetime | None = until
                with _logged("worker lease not renewed", worker=loop.name):
                    renewed = await self._acquire(loop)
                if renewed is None:
                    return
                until = renewed
        finally:
            rounds.cancel()
            await asyncio.wait([rounds])

    async def _repeat(self, loop: Loop) -> None:
        while True:
            with _logged("worker failed", worker=loop.name):
                await loop.run()
            await self._wait(loop.interval)

    async def _acquire(self, loop: Loop) -> datetime | None:
        """Take or renew the lease: the time when it expires, or None where another has it."""
        now = self._clock()
        # The table has whole seconds, and the leader must not believe that it has a fraction more.
        until = (now + timedelta(seconds=LEASE)).replace(microsecond=0)
        acquired = await self._store.write(
            worker_leases.acquire, loop.name, self._holder, now=now, until=until
        )
        return until if acquired else None


@contextmanager
def _logged(message: str, **fields: object) -> Iterator[None]:
    """Log an exception of the block, and go on after it."""
    try:
        yield
    except DatabaseUnavailable:
        pass  # the store has logged it, once for the whole outage
    except Exception:
        _logger.exception(message, extra=logs.extra(**fields))
