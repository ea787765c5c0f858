"""The session cookie, which clients send after a login."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.domain.sessions import COOKIE_NAME
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.security.credentials import CredentialKind
from agentserver_reference.security.principal import Principal
from agentserver_reference.storage import sessions
from agentserver_reference.storage.permissions import Permission, of_session

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from agentserver_reference.storage.engine.connection import Connection

SCHEME = "sessionCookie"
"""Its name in the contract's `securitySchemes`."""


def find_token(headers: Headers) -> str | None:
    """Return the value of the first session cookie, without quotes, or None."""
    for header in headers.getlist("cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip(" \t").partition("=")
            if name == COOKIE_NAME:
                if len(value) >= 2 and value[0] == value[-1] == '"':
                    value = value[1:-1]
                return value or None
    return None


def resolve(
    conn: Connection, token: str, workspace_id: str | None, now: datetime
) -> Principal | None:
    """Return the user of a session, with the role in the workspace if one is given."""
    if workspace_id is None:
        owner = sessions.find_owner(conn, token_hash(token), now)
    else:
        owner = sessions.find_owner_as_member(conn, token_hash(token), workspace_id, now)
    return None if owner is None else Principal(*owner)


def permission(token: str, role: str, now: datetime) -> Permission:
    """Return the permission of a session whose user has this role in the workspace."""
    return of_session(token_hash(token), role, now)


SESSION = CredentialKind(find=find_token, resolve=resolve, permission=permission)
