"""Timestamps: RFC 3339 in UTC, of one length, so that text order is time order."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """Format an aware datetime as `2026-11-23T10:00:00Z`, without fractions of a second."""
    # strftime takes several times as long.
    return moment.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def precise_timestamp(moment: datetime) -> str:
    """Format an aware datetime as `2026-11-23T10:00:00.250000Z`, always with microseconds.

    The text order of these is time order too.
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def midnight(moment: datetime) -> datetime:
    """Return the start of the UTC day of `moment`."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
