"""Who is calling, and may they: one rule, driven by `security` and `x-required-role`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from agentserver_reference.domain.errors import Forbidden, Unauthenticated
from agentserver_reference.domain.roles import ADMIN, WORKSPACE_ROLES
from agentserver_reference.domain.sessions import COOKIE_NAME
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.storage import members, sessions

if TYPE_CHECKING:
    from agentserver_reference.contract import Operation
    from agentserver_reference.storage.engine.connection import Connection


@attrs.frozen
class Caller:
    """The user behind a session, as the database knows them at this moment."""

    user_id: str
    role: str
    """Role of the account, `user` or `admin`; not of a workspace."""


def session_token(cookie_headers: list[str]) -> str | None:
    """The value of the first session cookie, or None. A quoted value counts without quotes."""
    for header in cookie_headers:
        for pair in header.split(";"):
            name, _, value = pair.strip(" \t").partition("=")
            if name == COOKIE_NAME:
                if len(value) >= 2 and value[0] == value[-1] == '"':
                    value = value[1:-1]
                return value or None
    return None


def authorize(
    connection: Connection,
    operation: Operation,
    path: Mapping[str, str],
    token: str | None,
    now: datetime,
) -> Caller | None:
    """The caller of an operation, who may call it; None where it takes calls without session.

    Raises:
        Unauthenticated: the operation requires a session and there is none that lives.
        Forbidden: no member of the workspace in the path, or the role is too low.
    """
    caller = _find_caller(connection, token, now) if token else None
    if caller is None:
        if operation.security == "required":
            raise Unauthenticated("unauthorized")
        return None
    if operation.role == ADMIN and caller.role != ADMIN:
        raise Forbidden("forbidden")
    if operation.role in WORKSPACE_ROLES:
        held = members.role_of(connection, path["workspace_id"], caller.user_id)
        if held is None:
            raise Forbidden("not a workspace member")
        if WORKSPACE_ROLES.index(held) < WORKSPACE_ROLES.index(operation.role):
            raise Forbidden("insufficient permissions")
    return caller


def _find_caller(connection: Connection, token: str, now: datetime) -> Caller | None:
    row = sessions.find_caller(connection, token_hash(token), now)
    return None if row is None else Caller(user_id=row.user_id, role=row.role)
