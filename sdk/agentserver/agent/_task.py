"""What handlers are given: a task or a message, and `Cancelled` when they are to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from threading import Event
from typing import Any, Final

from attrs import define, field, frozen


class Cancelled(asyncio.CancelledError):
    """The task is to stop: it was cancelled, its time is over, or the agent is being stopped.

    An asynchronous handler gets it where it awaits, a synchronous one where it calls `Task.check`
    or `Task.sleep`. A handler may raise it by itself to give a task up. Like every cancellation, it
    is no `Exception`, so that ``except Exception`` lets it pass.

    Attributes:
        reason: why, for example ``cancelled`` or ``timeout``.
    """

    def __init__(self, reason: str = "cancelled") -> None:
        super().__init__(reason)
        self.reason = reason


@define(eq=False, slots=False)
class Task:
    """A task, as its handler sees it.

    Attributes:
        id: its id.
        prompt: what is to be done.
        system_context: what else to know; may be empty.
        skill: the skill that it is for; None for none.
        max_turns: how many turns to take at most; 0 for no limit. The handler enforces it.
        max_budget_usd: what it should cost at most; 0 for no limit. The handler enforces it.
        timeout_seconds: how long it may take in all; None where the server does not say.
        requester_id: the agent that wants it done; None if a person does.
        delegation_chain: the agents that have passed it on, the first one first.
        total_cost_usd: what it has cost, to be set by the handler; None for not known.
        num_turns: how many turns were taken, to be set by the handler.
    """

    id: str
    prompt: str = field(repr=False)
    system_context: str = field(default="", repr=False)
    skill: str | None = None
    max_turns: int = 0
    max_budget_usd: float = 0.0
    timeout_seconds: int | None = None
    requester_id: str | None = None
    delegation_chain: Sequence[str] = ()
    total_cost_usd: float | None = field(default=None, kw_only=True)
    num_turns: int = field(default=0, kw_only=True)
    _reason: str | None = field(default=None, init=False, repr=False)
    _over: Event = field(factory=Event, init=False, repr=False)
    _wait: Callable[[Event, float], object] = field(default=Event.wait, init=False, repr=False)

    @property
    def cancelled(self) -> bool:
        """Whether the handler is to stop; a synchronous one looks now and then."""
        return self._reason is not None

    def check(self) -> None:
        """Return if the task is to go on.

        Raises:
            Cancelled: it is to stop.
        """
        if self._reason is not None:
            raise Cancelled(self._reason)

    def sleep(self, seconds: float) -> None:
        """Wait in a synchronous handler, but not longer than the task is to go on.

        Args:
            seconds: how long.

        Raises:
            Cancelled: it is to stop.
        """
        self.check()
        self._wait(self._over, seconds)
        self.check()

    def _interrupt(self, reason: str) -> None:
        self._reason = reason
        self._over.set()


@frozen
class Message:
    """A message from another agent.

    Attributes:
        id: its id.
        sender: the agent that sent it.
        text: what it says.
        msg_type: what kind of message it is, as sender and recipient have agreed.
        created_at: when it was sent.
    """

    id: str
    sender: str
    text: str = field(repr=False)
    msg_type: str
    created_at: datetime


current_task: Final[ContextVar[Task | None]] = ContextVar("agentserver_task", default=None)
"""The task whose handler is running."""


_SAID: Final = (
    *("id", "prompt", "system_context", "skill", "max_turns", "max_budget_usd"),
    *("timeout_seconds", "requester_id", "delegation_chain"),
)


def task_as_stored(task: Task) -> dict[str, Any]:
    """What the requester has said of a task, as JSON."""
    return {name: getattr(task, name) for name in _SAID}


def task_from_stored(value: dict[str, Any]) -> Task:
    """A task that was stored as JSON."""
    given: dict[str, Any] = {**value, "delegation_chain": tuple(value["delegation_chain"])}
    return Task(**given)


def as_stored(message: Message) -> dict[str, Any]:
    """A message as JSON."""
    return {
        "id": message.id,
        "sender": message.sender,
        "text": message.text,
        "msg_type": message.msg_type,
        "created_at": message.created_at.isoformat(),
    }


def from_stored(value: dict[str, Any]) -> Message:
    """A message that was stored as JSON."""
    created_at = datetime.fromisoformat(value["created_at"])
    return Message(value["id"], value["sender"], value["text"], value["msg_type"], created_at)
