"""The interface of codex: a turn goes in, and how it has ended comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol

import attrs

from agentserver_reference.domain.turns import Outcome
from agentserver_reference.replies import Socket

NoteItem = Callable[[str, dict[str, Any], datetime], Awaitable[None]]
"""Writes down an item that has ended, such as a command: the thread, the item, its beginning."""

Ask = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""Asks the workspace's language model: sends a body by a method to a path of its API, and returns
the status and the body of the answer."""


@attrs.frozen
class Host:
    """What the server does for the codex of a workspace."""

    ask: Ask
    token: Callable[[], Awaitable[str]]
    """Returns the workspace's own token, with which codex asks the language model by itself."""


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
    note_item: NoteItem
    """Writes down something that was done in the turn, when it has ended."""


@attrs.frozen
class Visit:
    """A person's own codex, which speaks with that of a workspace."""

    workspace_id: str
    socket: Socket
    note_client: Callable[[dict[str, str]], Awaitable[None]]
    """Writes down what it says of itself: `client_ua` and `codex_version`."""
    note_thread: Callable[[str], Awaitable[None]]
    """Writes down that a thread is one of the workspace."""
    submit: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
    """Runs a turn of a thread with these parameters, and returns the answer as of a submitted turn.

    Raises Refusal, and interrupts the turn when it is cancelled.
    """
    note_item: NoteItem
    note_turn: Callable[[Outcome, dict[str, Any], datetime], Awaitable[None]]
    """Writes down the end of a turn that was not submitted: its parameters and its beginning."""


class Codex(Protocol):
    """Runs turns. When a call is cancelled, the turn is interrupted, and no other."""

    async def run(self, request: TurnRequest, host: Host, /) -> Outcome:
        """Run a turn to its end."""
        ...

    async def converse(self, visit: Visit, host: Host, /) -> None:
        """Speak JSON-RPC, as `codex app-server` does, until the visitor leaves.

        Raises SocketClosed, or ServiceUnavailable if there is no codex.
        """
        ...

    async def close(self) -> None:
        """End what is under way, and close the connections."""
        ...
