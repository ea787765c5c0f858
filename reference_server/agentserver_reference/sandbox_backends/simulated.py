"""Sandboxes in which nothing runs: they have the states of real ones, and take their time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from agentserver_reference.domain.sandboxes import Event
from agentserver_reference.sandbox_backends.protocol import Sandbox


class SimulatedBackend:
    """Says that a change is done when its time is over.

    Arguments:
        clock: the current time.
        seconds: how long each change takes.
        failures: the states that end in a failure.
    """

    def __init__(
        self, clock: Callable[[], datetime], seconds: int, failures: Collection[str]
    ) -> None:
        self._clock = clock
        self._duration = timedelta(seconds=seconds)
        self._failures = failures

    async def carry_on(self, sandbox: Sandbox) -> Event | None:
        """See SandboxBackend."""
        since = sandbox.status_since
        if since is not None and self._clock() - datetime.fromisoformat(since) < self._duration:
            return None
        return Event.FAILED if sandbox.status in self._failures else Event.DONE

    async def remove(self, sandbox: Sandbox) -> None:
        """See SandboxBackend. There is nothing to stop."""
