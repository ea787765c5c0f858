"""Bearer tokens: several kinds share the Authorization header and are told apart by their form."""

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
    """A kind of bearer token.

    Arguments:
        form: what the whole token matches, such as `wak_[0-9a-f]{64}`. A token of another form is
            not of this kind. The forms of one operation's kinds must not overlap.
        resolve: see CredentialKind.
    """

    def find(headers: Headers) -> str | None:
        token = _token(headers)
        return token if token is not None and form.fullmatch(token) else None

    return CredentialKind(find=find, resolve=resolve)


def _token(headers: Headers) -> str | None:
    """The token of the Authorization header; None without one, and where there are several."""
    given = headers.getlist("authorization")
    match = _AUTHORIZATION.fullmatch(given[0]) if len(given) == 1 else None
    return match and match[1]
