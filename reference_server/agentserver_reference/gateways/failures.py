"""How a service outside fails: none of it holds anything that the service has said."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, ClassVar

import msgspec

PAUSE = 30.0
"""Seconds for which a service is left alone that is asked too often and does not say how long."""

_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class OutsideError(Exception):
    """A service outside was called without success.

    `text` goes after the name of the service. `pause` is how many seconds the service wants to be
    left alone; None if it does not matter.
    """

    text: ClassVar[str]

    def __init__(self, *, pause: float | None = None) -> None:
        super().__init__()
        self.pause = pause

    def __str__(self) -> str:
        return self.text


class CredentialRefused(OutsideError):
    """The service does not accept the credential."""

    text = "refused the credential"


class Unreachable(OutsideError):
    """There is no service, it is too slow, it fails, or its address is not allowed."""

    text = "cannot be reached"


class RateLimited(Unreachable):
    """The service is asked too often."""


class NotUnderstood(OutsideError):
    """The service answered something else than its protocol says."""

    text = "gave an answer that was not understood"


_Number = Annotated[float, msgspec.Meta(ge=0)]


class _Parameters(msgspec.Struct):
    retry_after: _Number | None = None


class _TooMany(msgspec.Struct):
    """What Matrix and Telegram say, in milliseconds and in seconds."""

    retry_after_ms: _Number | None = None
    parameters: _Parameters | None = None


def failure_of(status: int, body: bytes) -> OutsideError | None:
    """Return what the answer of a service means; None if it is successful."""
    if status in _REFUSED:
        return CredentialRefused()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(pause=pause_of(body))
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable()
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return NotUnderstood()
    return None


def pause_of(body: bytes) -> float:
    """Return for how many seconds a service that is asked too often wants to be left alone."""
    try:
        said = msgspec.json.decode(body, type=_TooMany)
    except (msgspec.DecodeError, RecursionError):
        return PAUSE
    if said.retry_after_ms is not None:
        return said.retry_after_ms / 1000
    seconds = None if said.parameters is None else said.parameters.retry_after
    return PAUSE if seconds is None else seconds
