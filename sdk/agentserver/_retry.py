"""When a request is sent again, and after how long: the table, and nothing that sends."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import frozen

from ._operation import Operation
from ._options import Retry

LONGEST_WAIT = 60.0
"""Seconds; a server that asks for longer is not waited for."""

_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 8.0
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


@frozen
class Rule:
    """What one kind of request may be repeated after, once it was sent.

    A request that certainly never left is repeated under every rule: that is no second sending.
    """

    broken: bool
    """After a connection that broke or a read that timed out, so that the outcome is unknown."""
    statuses: frozenset[int]
    """After these answers."""
    told: frozenset[int]
    """After these answers, if they say by Retry-After that the request was turned away."""
    matters: bool
    """Whether it changes something, so that "no answer" leaves a question behind."""


_TRANSIENT = frozenset({408, 429, 502, 503, 504})
_TURNED_AWAY = frozenset({429, 503})
_NOTHING: frozenset[int] = frozenset()

READ = Rule(broken=True, statuses=_TRANSIENT | {500}, told=_NOTHING, matters=False)
IDEMPOTENT = Rule(broken=True, statuses=_TRANSIENT, told=_NOTHING, matters=True)
WRITE = Rule(broken=False, statuses=_NOTHING, told=_TURNED_AWAY, matters=True)
CONSUME = Rule(broken=False, statuses=_NOTHING, told=_NOTHING, matters=True)

SETTLED = frozenset({400, 405, 413, 415, 422})
"""Answers to a repeat that the first sending must have met too, so that it changed nothing."""

GATEWAY_LOST = frozenset({500, 502, 504})
"""Answers that leave open what became of a request."""


def rule_for(operation: Operation[Any], retry: Retry) -> Rule:
    """The rule of an operation: from its method, what it consumes, and the caller's choice."""
    if operation.consumes:
        return CONSUME
    if operation.method in ("GET", "HEAD"):
        return READ
    return IDEMPOTENT if operation.idempotent or retry == "always" else WRITE


def backoff(repeat: int, random: Callable[[], float]) -> float:
    """Seconds to wait before the first (0), second (1), ... repeat: full jitter under a cap."""
    ceiling: float = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0**repeat)
    return ceiling * random()


def retry_after(header: str | None, now: Callable[[], float]) -> float | None:
    """Seconds asked for by a Retry-After header, in either of its forms; None when unreadable."""
    if header is None:
        return None
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if when.tzinfo is None:  # "-0000": RFC 5322's way to say UTC
        from datetime import UTC

        when = when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - now())
