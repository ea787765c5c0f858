"""Agents: when they are offline, and what is known of one that is registered."""

from datetime import datetime, timedelta

AVAILABLE, OFFLINE = "available", "offline"
"""The states of a card."""

DEFAULT_CARD_TYPE = "claudecode"
"""The `agent_type` of a first card that gives none."""

DEFAULT_REGISTERED_TYPE = "opencode"
DEFAULT_REGISTERED_NAME = "Local Agent"

SILENCE = timedelta(seconds=60)
"""How long an agent may be silent before it is offline."""

HEARTBEAT = timedelta(seconds=10)
"""How old the last sign of life is before the next one is written down."""


def is_due(last_heartbeat_at: str | None, now: datetime) -> bool:
    """Return whether a sign of life is to be written down."""
    return last_heartbeat_at is None or now - datetime.fromisoformat(last_heartbeat_at) >= HEARTBEAT
