"""Executors: how long each proof of one is good, and the command that connects it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

TASK_LIFE = timedelta(hours=24)
"""How long a task may be named in assertions."""

TICKET_LIFE = timedelta(minutes=5)
"""How long a ticket may be used, once, to open a WebSocket."""

NAME_TAKEN = "an executor of this workspace has that name"

SKEW = timedelta(minutes=5)
"""How far the clock of an executor may be from ours, in either direction."""

_AGENT = re.compile(r"codex[\w-]*/([^\s()]{1,64})(?: \(([^\s;()]{1,64}))?")


def is_fresh(moment: datetime, now: datetime) -> bool:
    """Return whether something was signed just now, as far as clocks agree."""
    return abs(moment - now) <= SKEW


def read_time(text: str) -> datetime | None:
    """Read a time of RFC 3339; None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC)


def version_and_system(user_agent: str) -> tuple[str | None, str | None]:
    """Return the version of codex and the operating system that a `User-Agent` tells."""
    found = _AGENT.match(user_agent)
    return (None, None) if found is None else (found[1], found[2])


def connect_command(*, token: str, issuer: str, remote: str, executor_id: str, name: str) -> str:
    """Return the lines of shell that connect a machine as an executor."""
    asks = f"CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL={_quoted(issuer)}"
    compares = f"CODEX_AGENT_IDENTITY_JWKS_BASE_URL={_quoted(issuer)}"
    options = (
        *("--remote", _quoted(remote)),
        *("--environment-id", _quoted(executor_id)),
        *("--name", _quoted(name)),
        "--use-agent-identity-auth",
    )
    lines = (
        f"export CODEX_ACCESS_TOKEN={_quoted(token)}",
        f"export {asks} {compares}",
        f"codex -c chatgpt_base_url={_quoted(issuer)} exec-server {' '.join(options)}",
    )
    return "\n".join(lines)


def _quoted(value: str) -> str:
    """Quote a word for the shell."""
    return "'" + value.replace("'", "'\"'\"'") + "'"
