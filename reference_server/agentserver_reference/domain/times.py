"""Timestamps: RFC 3339 in UTC with whole seconds, so that text order is time order."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """Format an aware datetime as `2026-11-23T10:00:00Z`, without fractions of a second."""
    # strftime takes several times as long.
    return moment.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def midnight(moment: datetime) -> datetime:
    """Return the start of the UTC day of `moment`."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
