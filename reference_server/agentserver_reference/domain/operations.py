"""The operations log: how long an entry may be, and what is kept about what was cut."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import Any

from agentserver_reference.domain.times import precise_timestamp

MOST_ARGUMENTS = 64 * 1024
"""Bytes of arguments as JSON; longer ones are left out."""

MOST_RESULT = 4 * 1024
"""Bytes of a result; a longer one is cut."""

LOCAL = "local"
"""The environment of the server itself."""
SDK = "sdk"
"""The source of turns that were submitted."""
TUI = "tui"
"""The source of turns of a person's own codex."""
TURN = "turn"
"""The tool that a whole turn is."""


def arguments(given: Any) -> dict[str, Any]:
    """Return `arguments`, or else the `arguments_meta` of what is too long."""
    encoded = json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "backslashreplace"
    )
    if len(encoded) <= MOST_ARGUMENTS:
        return {"arguments": given}
    return {
        "arguments_meta": {
            "truncated": True,
            "size_bytes": len(encoded),
            "sha256": sha256(encoded).hexdigest(),
        }
    }


def result(text: str | None) -> dict[str, Any]:
    """Return the `result_summary`, cut between two characters, and the `result_meta` if it is."""
    if not text:
        return {}
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")  # which not every database can store
    encoded = text.encode("utf-8", "backslashreplace")
    if len(encoded) <= MOST_RESULT:
        return {"result_summary": text}
    return {
        "result_summary": encoded[:MOST_RESULT].decode("utf-8", "ignore"),
        "result_meta": {
            "truncated": True,
            "total_bytes": len(encoded),
            "sha256": sha256(encoded).hexdigest(),
        },
    }


def ended(
    operation: dict[str, Any], thread_id: str, is_error: bool, said: str | None, now: datetime
) -> dict[str, Any]:
    """Return an operation that has ended at this time, with its result.

    Arguments:
        operation: what it was when it began.
        thread_id: the thread; empty if there is none.
        is_error: whether it has failed.
        said: its result, or why it has failed.
        now: the time.
    """
    began = datetime.fromisoformat(operation["started_at"])
    return {
        **operation,
        **({"thread_id": thread_id} if thread_id else {}),
        "is_error": is_error,
        **result(said),
        "completed_at": precise_timestamp(now),
        "duration_ms": milliseconds(began, now),
    }


def milliseconds(began: datetime, ended: datetime) -> int:
    """Return how many milliseconds have passed."""
    return max(0, int((ended - began).total_seconds() * 1000))
