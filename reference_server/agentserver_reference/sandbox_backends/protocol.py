"""What a backend has to do: bring a sandbox into the state that its row asks for.

The server keeps the state of a sandbox in its row, and asks the backend to carry a change on until
it is done or has failed. It asks as often as is needed, from any of its processes, and after a
restart again: so everything that a backend does must do no harm when it is done twice. Only the
server writes the row, and it does nothing with an answer that comes too late, because the sandbox
is in another state by then.

| `status` | to be done | `Event.DONE` | `Event.FAILED` |
|---|---|---|---|
| `creating` | make it within its limits, and start it | it is running | it is not running |
| `pausing` | stop it and keep its data | it is stopped | it goes on running |
| `resuming` | start it from its data; if that is gone, anew | it is running | it is not running |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import attrs

from agentserver_reference.domain.sandboxes import Event


@attrs.frozen
class Sandbox:
    """What a backend knows of a sandbox."""

    id: str
    workspace_id: str
    type: str
    status: str
    status_since: str | None
    """When it came into this state; None for a row of an old version."""
    cpu: int | None
    """Its limit in millicores."""
    memory: int | None
    """Its limit in bytes."""
    token: Callable[[], Awaitable[str | None]] = attrs.field(repr=False, eq=False)
    """Reads its token, with which what runs in it calls the LLM proxy; None if it has none."""

    @classmethod
    def of(
        cls, row: dict[str, Any], token: Callable[[], Awaitable[str | None]] | None = None
    ) -> Sandbox:
        """Return what a backend knows of a row, and what reads its token."""
        known = (field.name for field in attrs.fields(cls) if field.name != "token")
        return cls(**{name: row[name] for name in known}, token=token or _no_token)


async def _no_token() -> None:
    """The row is gone, and its token with it."""


class SandboxBackend(Protocol):
    """Where sandboxes run."""

    async def carry_on(self, sandbox: Sandbox, /) -> Event | None:
        """Work on the change that the sandbox is in.

        Returns:
            `Event.DONE` or `Event.FAILED` at its end; None while it takes longer, to be called
            again in a moment.
        """
        ...

    async def remove(self, sandbox: Sandbox, /) -> None:
        """Stop a sandbox whose row is gone, and remove its data, whatever state it was in."""
        ...
