"""Time for background loops: it passes only when a test lets it."""

import asyncio
from datetime import UTC, datetime, timedelta

import attrs


@attrs.define
class Timeline:
    """A clock, and the waits of those who live by it."""

    now: datetime = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
    _waits: dict[asyncio.Task[object], tuple[datetime, asyncio.Future[None]]] = attrs.field(
        factory=dict
    )

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    async def wait(self, seconds: float) -> None:
        """Wait until so much time has passed."""
        task = asyncio.current_task()
        assert task is not None
        future = asyncio.get_running_loop().create_future()
        self._waits[task] = self.now + timedelta(seconds=seconds), future
        try:
            await future
        finally:
            del self._waits[task]

    async def settle(self) -> None:
        """Let every worker go on until all of them wait."""
        while any(  # noqa: ASYNC110 - what is waited for is other tasks, not time
            task not in self._waits for task in asyncio.all_tasks() if "worker" in task.get_name()
        ):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Let time pass, each wait ending at its moment and all that follows from it being done."""
        end = self.now + timedelta(seconds=seconds)
        await self.settle()
        while due := [wait for wait in self._waits.values() if wait[0] <= end]:
            self.now = max(self.now, min(moment for moment, _ in due))
            for moment, future in due:
                if moment <= self.now and not future.done():
                    future.set_result(None)
            await asyncio.sleep(0)
            await self.settle()
        self.now = end
