"""Bearer tokens. Several kinds share the `Authorization` header; their formats distinguish them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.security.credentials import CredentialKind
from agentserver_reference.security.principal import Principal

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from agentserver_reference.storage.engine.connection import Connection

_AUTHORIZATION = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)


def bearer(
    form: re.Pattern[str],
    resolve: Callable[[Connection, str, str | None, datetime], Principal | None],
) -> CredentialKind:
    """Define a kind of bearer token.

    Arguments:
        form: matches the whole token, for example `wak_[0-9a-f]{64}`. The forms of the kinds that
            one operation accepts must not overlap.
        resolve: see CredentialKind.
    """

    def find(headers: Headers) -> str | None:
        token = _token(headers)
        return token if token is not None and form.fullmatch(token) else None

    return CredentialKind(find=find, resolve=resolve)


def _token(headers: Headers) -> str | None:
    """Return the bearer token; None without one, and if there are several headers."""
    given = headers.getlist("authorization")
    match = _AUTHORIZATION.fullmatch(given[0]) if len(given) == 1 else None
    return match and match[1]
