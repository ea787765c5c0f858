"""When a request is sent again, and after how long: the table, and nothing that sends."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from attrs import frozen

from ._operation import Operation
from ._options import Retry

LONGEST_WAIT: Final = 60.0
"""Seconds; a server that asks for longer is not waited for."""

_FIRST_BACKOFF: Final = 0.5
_DOUBLINGS: Final = 4
_SECONDS: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)


@frozen(eq=False, repr=False)
class Rule:
    """When a request of one kind is sent again, once it may have reached the server.

    A request that certainly did not is sent again under every rule.
    """

    after_connection_error: bool
    """After a connection that broke or a read that timed out, so that the outcome is unknown."""
    statuses: frozenset[int]
    """After these answers."""
    statuses_with_retry_after: frozenset[int]
    """After these answers, if they say by Retry-After that the request was not processed."""
    has_side_effects: bool
    """Whether it changes something, so that "no answer" leaves its outcome unknown."""


_TRANSIENT: Final = frozenset({408, 429, 502, 503, 504})
_NOT_PROCESSED: Final = frozenset({429, 503})
_NONE: Final[frozenset[int]] = frozenset()

READ: Final = Rule(
    after_connection_error=True,
    statuses=_TRANSIENT | {500},
    statuses_with_retry_after=_NONE,
    has_side_effects=False,
)
IDEMPOTENT: Final = Rule(
    after_connection_error=True,
    statuses=_TRANSIENT,
    statuses_with_retry_after=_NONE,
    has_side_effects=True,
)
WRITE: Final = Rule(
    after_connection_error=False,
    statuses=_NONE,
    statuses_with_retry_after=_NOT_PROCESSED,
    has_side_effects=True,
)
CONSUME: Final = Rule(
    after_connection_error=False,
    statuses=_NONE,
    statuses_with_retry_after=_NONE,
    has_side_effects=True,
)

SAME_FOR_EVERY_ATTEMPT: Final = frozenset({400, 405, 413, 415, 422})
"""Answers that an earlier attempt must have met too, so that it changed nothing."""

OUTCOME_UNKNOWN: Final = frozenset({500, 502, 504})
"""Answers that leave open what became of a request."""


def rule_for(operation: Operation[Any], retry: Retry) -> Rule:
    """The rule of an operation: from its method, what it consumes, and the caller's choice."""
    if operation.consumes:
        return CONSUME
    if operation.method in ("GET", "HEAD"):
        return READ
    return IDEMPOTENT if operation.idempotent or retry == "always" else WRITE


def backoff(retry: int, random: Callable[[], float]) -> float:
    """Seconds to wait before the first (0), second (1), ... retry.

    At least half of the longest time, so that the retries together outlast a restart of the
    server, and the rest at random, so that clients which failed together do not return together.
    """
    longest = _FIRST_BACKOFF * 2.0 ** min(retry, _DOUBLINGS)
    return longest * (0.5 + 0.5 * random())


def retry_after(header: str | None, date: str | None, now: Callable[[], float]) -> float | None:
    """Seconds asked for by a Retry-After header, in either of its forms; None when unreadable.

    Args:
        header: the value of Retry-After.
        date: the value of Date: a time that the server names is a time of the server's clock.
        now: our own clock, for an answer without a readable Date.
    """
    if header is None:
        return None
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    when = http_date(text)
    if when is None:
        return None
    at_server = http_date(date or "")
    return max(0.0, when - (now() if at_server is None else at_server))


def http_date(text: str) -> float | None:
    """The Unix time of a date in a header; None when it cannot be read."""
    from email.utils import parsedate_to_datetime  # half a dozen modules, for few answers

    try:
        when = parsedate_to_datetime(text)
        if when.tzinfo is None:  # "-0000": RFC 5322's way to say UTC
            from datetime import UTC

            when = when.replace(tzinfo=UTC)
        return when.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
