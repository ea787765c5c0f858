"""Requests to services whose API is JSON over HTTP, and what their answers mean."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from agentserver_reference.gateways import outside
from agentserver_reference.gateways.im.service import (
    NotUnderstood,
    RateLimited,
    Refused,
    Unreachable,
)

T = TypeVar("T")

POLL = 35
"""Seconds for which a service may hold a poll."""
POLL_TIMEOUT = 40.0
SEND_TIMEOUT = 15.0
TIMEOUT = 10.0
"""Seconds for any other request."""

PAUSE = 30.0
"""Seconds for which a service is left alone that is asked too often and does not say how long."""

_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class _TooMany(msgspec.Struct):
    retry_after_ms: float | None = None


async def ask(
    caller: outside.Outside,
    method: str,
    url: str,
    form: type[T],
    *,
    headers: dict[str, str],
    within: float = TIMEOUT,
    **content: Any,
) -> T:
    """Send a request, and return what its answer holds.

    Arguments:
        caller: sends it.
        method: the HTTP method.
        url: the address.
        form: the type of what is returned, as msgspec reads it.
        headers: those of the request.
        within: seconds for the whole call.
        content: `params` or `json`, as httpx takes them.

    Raises ImTrouble.
    """
    try:
        status, body = await caller.send(method, url, headers=headers, timeout=within, **content)
    except outside.Unreachable:
        raise Unreachable from None
    except outside.OutsideError:
        raise NotUnderstood from None
    if status in _REFUSED:
        raise Refused
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited(_pause_of(body))
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unreachable
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise NotUnderstood
    return _read(body, form)


def _pause_of(body: bytes) -> float:
    try:
        milliseconds = _read(body, _TooMany).retry_after_ms
    except NotUnderstood:
        milliseconds = None
    return PAUSE if milliseconds is None else milliseconds / 1000


def _read(body: bytes, form: type[T]) -> T:
    try:
        return outside.decoded(body, form)
    except outside.NotUnderstood:
        raise NotUnderstood from None


def parts(text: str, most: int) -> list[str]:
    """Cut a text into pieces of at most so many characters, at the end of a line if possible."""
    pieces = []
    while len(text) > most:
        cut = text.rfind("\n", 1, most) + 1 or most
        pieces.append(text[:cut].rstrip("\n") or text[:cut])
        text = text[cut:]
    return [*pieces, text]
