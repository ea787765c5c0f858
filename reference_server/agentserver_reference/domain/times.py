"""Moments as text: RFC 3339 in UTC with whole seconds, which sorts in their order."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """`2026-11-23T10:00:00Z` for an aware `moment`; a fraction of a second is dropped."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def midnight(moment: datetime) -> datetime:
    """The start of the UTC day that holds `moment`."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
