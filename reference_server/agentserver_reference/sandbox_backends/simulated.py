"""Sandboxes in which nothing runs: they have the states of real ones, and take their time.

What would run in them can be run by hand, with the token that each leaves in a file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from agentserver_reference.domain.sandboxes import CREATING, RESUMING, TYPES, Event
from agentserver_reference.sandbox_backends.protocol import Sandbox

SIMULATED = "simulated"


class SimulatedBackend:
    """Says that a change is done when its time is over.

    Arguments:
        clock: the current time.
        seconds: how long each change takes.
        failures: the states that end in a failure.
        token_dir: the folder of the files with the tokens; None if there are none.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        seconds: int,
        failures: Collection[str],
        token_dir: Path | None,
    ) -> None:
        self._clock = clock
        self._duration = timedelta(seconds=seconds)
        self._failures = failures
        self._token_dir = token_dir

    interval = None

    def describe(self) -> Mapping[str, str]:
        """See SandboxBackend."""
        return dict.fromkeys(TYPES, SIMULATED)

    async def carry_on(self, sandbox: Sandbox) -> Event | None:
        """See SandboxBackend."""
        since = sandbox.status_since
        if since is not None and self._clock() - datetime.fromisoformat(since) < self._duration:
            return None
        if sandbox.status in self._failures:
            return Event.FAILED
        if self._token_dir is not None and sandbox.status in (CREATING, RESUMING):
            _write(self._token_dir / sandbox.id, await sandbox.token())
        return Event.DONE

    async def remove(self, sandbox: Sandbox) -> None:
        """See SandboxBackend. There is nothing to stop."""
        if self._token_dir is not None:
            (self._token_dir / sandbox.id).unlink(missing_ok=True)

    async def look(self) -> Collection[str]:
        """See SandboxBackend. Nothing changes by itself."""
        return ()

    async def close(self) -> Collection[str]:
        """See SandboxBackend. Sandboxes in which nothing runs go on without a server."""
        return ()


def _write(file: Path, token: str | None) -> None:
    """Write a token where only the server's own account can read it."""
    if token is None:
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(token, encoding="ascii")
