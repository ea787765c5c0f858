"""The interface of codex: a turn goes in, and how it has ended comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import attrs

from agentserver_reference.domain.turns import Outcome

Ask = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""Asks the workspace's language model: sends a body by a method to a path of its API, and returns
the status and the body of the answer."""


@attrs.frozen
class TurnRequest:
    """A turn to be run."""

    turn_id: str
    workspace_id: str
    thread_id: str | None
    """The thread of the workspace that it continues; None to begin one."""
    params: dict[str, Any] = attrs.field(repr=False)
    """What the caller gives codex."""
    timeout: float
    """Seconds that it may take."""


class Codex(Protocol):
    """Runs turns. When a call is cancelled, the turn is interrupted, and no other."""

    async def run(self, request: TurnRequest, ask: Ask, /) -> Outcome:
        """Run a turn to its end."""
        ...

    async def close(self) -> None:
        """End what is under way, and close the connections."""
        ...
