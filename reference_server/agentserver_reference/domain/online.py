"""Whether what is connected by a WebSocket is online, as far as the database tells."""

from __future__ import annotations

from datetime import datetime, timedelta

from agentserver_reference.domain.times import timestamp

SILENCE = timedelta(seconds=60)
"""What has given no sign of life for so long is not online."""


def is_online(is_connected: bool, last_seen_at: str | None, now: datetime) -> bool:
    """Return whether something is connected, and has been seen lately."""
    return is_connected and last_seen_at is not None and last_seen_at > timestamp(now - SILENCE)
