"""Turns of codex: what they ask for, how they end, and how long the server knows them."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import attrs

from agentserver_reference.domain.errors import BadRequest, Conflict

LONGEST_MS = 3_600_000
"""How long codex may take, and may take unless the caller says otherwise."""

KEY_LIFETIME = timedelta(hours=24)
"""How long an `Idempotency-Key` stands for its turn."""

LEASE = timedelta(seconds=60)
"""How long a turn is believed to be under way after the last sign of the process that runs it."""

RENEWAL = 20
"""Seconds between two such signs."""

BROKER_TIMEOUT = "brokerTimeout"
RPC_ERROR = "codexRPCError"
SUBPROCESS_CRASH = "subprocessCrash"
DISCONNECT = "wsDisconnect"

COMPLETED, FAILED, INTERRUPTED = "completed", "failed", "interrupted"


@attrs.frozen
class Outcome:
    """How a turn has ended: what codex says of it, or why codex could not be heard to its end."""

    thread_id: str
    """Empty if no thread could be begun."""
    turn: dict[str, Any] | None = None
    transport: tuple[str, str] | None = None
    """A code, and a message for people."""

    @property
    def answer(self) -> dict[str, Any]:
        """The answer to who has submitted it."""
        if self.transport is None:
            return {"threadId": self.thread_id, "turn": self.turn}
        code, message = self.transport
        return {"threadId": self.thread_id, "transport": {"code": code, "message": message}}

    @property
    def is_error(self) -> bool:
        """Whether it has not been completed."""
        return self.turn is None or self.turn.get("status") != COMPLETED

    @property
    def summary(self) -> str | None:
        """What was said last, or why there is nothing; None if there was nothing to say."""
        if self.turn is None:
            return None if self.transport is None else self.transport[1]
        if error := self.turn.get("error"):
            return str(error.get("message", ""))
        said = [
            item.get("text")
            for item in self.turn.get("items", ())
            if item.get("type") == "agentMessage" and item.get("text")
        ]
        return str(said[-1]) if said else None


def check_params(params: dict[str, Any]) -> None:
    """Raise BadRequest if the parameters name a thread, for which there is a field of its own."""
    if "threadId" in params:
        raise BadRequest("params: must not have a threadId, which is a field beside it")


def check_thread(is_known: bool, is_busy: bool) -> None:
    """Raise BadRequest for a thread that the workspace lacks, Conflict for one that is busy."""
    if not is_known:
        raise BadRequest("threadId: must be a thread of the workspace")
    if is_busy:
        raise Conflict("another turn of the thread is under way")


def check_repeated(body_hash: str, first: str) -> None:
    """Raise Conflict if a key comes with another body than the first time."""
    if body_hash != first:
        raise Conflict("Idempotency-Key: was used with another body")


def hash_of(body: dict[str, Any]) -> str:
    """Return what tells a body from another one, whatever the order of its fields is."""
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
