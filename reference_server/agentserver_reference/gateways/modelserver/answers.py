"""What a model server answers: the forms that are understood, of any model server."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.domain.modelserver import (
    Project,
    Tokens,
    is_text,
    named_models,
)

T = TypeVar("T")

_LONGEST_TOKEN = 16 * 1024
_LONGEST_LIFETIME = 10 * 365 * 24 * 3600


class _Token(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    expires_in: float | None = None


class _Ext(msgspec.Struct):
    project_id: str | None = None
    project_name: str | None = None
    user_id: str | None = None


class _Introspection(msgspec.Struct):
    active: bool
    ext: _Ext | None = None


class _Models(msgspec.Struct):
    data: list[object]


def read_tokens(body: bytes, *, refresh: str, now: datetime) -> Tokens:
    """Return the tokens in an answer of the token endpoint.

    Arguments:
        body: the answer.
        refresh: the refresh token that is kept if the answer has none.
        now: the time; an answer without a lifetime is one of tokens that expire at once.
    """
    found = _decoded(body, _Token)
    new_refresh = found.refresh_token or refresh
    for token in (found.access_token, new_refresh):
        if len(token) > _LONGEST_TOKEN or not (token.isascii() and token.isprintable()):
            raise unavailable()
    if not found.access_token:
        raise unavailable()
    seconds = min(max(found.expires_in or 0, 0), _LONGEST_LIFETIME)
    return Tokens(found.access_token, new_refresh, now + timedelta(seconds=seconds))


def read_project(body: bytes) -> Project:
    """Return what an answer to an introspection says. Raises BadGateway for an invalid token."""
    found = _decoded(body, _Introspection)
    if not found.active:
        raise unavailable()
    ext = found.ext or _Ext()
    return Project(*(_told(text) for text in (ext.project_id, ext.project_name, ext.user_id)))


def read_models(body: bytes) -> list[dict[str, str]]:
    """Return the models in a list."""
    return named_models(_decoded(body, _Models).data)


def unavailable() -> BadGateway:
    """Return the error for whatever a model server does wrong: its own text may hold a secret."""
    return BadGateway("the model server is unavailable")


def _told(text: str | None) -> str:
    return text if text is not None and is_text(text) and "\0" not in text else ""


def _decoded(body: bytes, form: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, RecursionError):
        raise unavailable() from None
