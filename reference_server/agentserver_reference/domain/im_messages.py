"""Messages between people and bots: which count, what is answered, and how failures are borne."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agentserver_reference.domain.turns import COMPLETED, Outcome

CODEX, NANOCLAW = "codex", "nanoclaw"
"""The modes of a channel: what becomes of its messages."""

KEPT = timedelta(hours=24)
"""How long a message is known after its delivery: as long as the key of its turn."""

RETRY = 2.0
PAUSE = 30.0
"""Seconds until the next attempt; the longer ones come after each third failure."""

PAUSE_WHILE_OFF = 3600.0
"""The same where the operator has switched a service off, which takes a restart to be changed."""

ATTEMPTS = 3
"""How often an answer is sent that the service does not take."""

_TOO_LONG = "contextWindowExceeded"


def is_wanted(mode: str, *, require_mention: bool, is_group: bool, mentioned: bool) -> bool:
    """Whether a message has to be delivered: in groups, a sandbox may be spoken to by name only."""
    return not (mode == NANOCLAW and require_mention and is_group and not mentioned)


def pause_after(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row."""
    return PAUSE if failures % 3 == 0 else RETRY


def key_of(channel_id: str, message_id: str) -> str:
    """Return the key of the turn that a message starts."""
    return f"im:{channel_id}:{message_id}"


def reply(answer: dict[str, Any]) -> tuple[str, str | None]:
    """Return what is sent back after a turn, and the thread to go on with; None: a new one."""
    transport = answer.get("transport")
    outcome = Outcome(
        answer["threadId"],
        turn=answer.get("turn"),
        transport=None if transport is None else (transport["code"], transport["message"]),
    )
    said = outcome.summary or ""
    error = (outcome.turn or {}).get("error") or {}
    goes_on = outcome.thread_id and error.get("codexErrorInfo") != _TOO_LONG
    is_answered = outcome.turn is not None and outcome.turn.get("status") == COMPLETED
    text = said if is_answered else f"This could not be answered: {said}"
    return text, outcome.thread_id if goes_on else None
