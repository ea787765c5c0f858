"""The OAuth access token of a program that a person has approved for a workspace."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from agentserver_reference.domain.oauth import Claims, scopes_of
from agentserver_reference.domain.roles import USER
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.security.bearer import bearer
from agentserver_reference.security.credentials import CredentialKind
from agentserver_reference.security.principal import Principal
from agentserver_reference.storage import members, oauth_grants

if TYPE_CHECKING:
    from agentserver_reference.context import Context
    from agentserver_reference.storage.engine.connection import Connection

SCHEME = "accessToken"
"""Its name in the contract's `securitySchemes`."""


def resolve(
    conn: Connection, token: str, workspace_id: str | None, now: datetime
) -> Principal | None:
    """Return who approved a token of the embedded provider, with the role in its workspace."""
    found = oauth_grants.find_holder(conn, token_hash(token), now)
    if found is None:
        return None
    return Principal(
        found["user_id"],
        USER,
        found["workspace_role"],
        frozenset(scopes_of(found["scope"])),
        found["workspace_id"],
    )


async def look_up(context: Context, token: str) -> CredentialKind:
    """Ask the provider about a token, unless it is the embedded one, whose tokens are stored here.

    Raises BadGateway, ServiceUnavailable.
    """
    if context.settings.hydra_admin_url is None:
        return ACCESS_TOKEN
    claims = await context.oauth.introspect(token)
    return attrs.evolve(ACCESS_TOKEN, resolve=lambda conn, *_: of_claims(conn, claims))


def of_claims(conn: Connection, claims: Claims | None) -> Principal | None:
    """Return whom a token stands for by what a provider says, with the role that they have now."""
    if claims is None:
        return None
    workspace_id = claims.workspace_id
    role = members.role_of(conn, workspace_id, claims.user_id) if workspace_id else None
    return Principal(claims.user_id, USER, role, claims.scopes, workspace_id)


ACCESS_TOKEN = attrs.evolve(
    bearer(re.compile("[A-Za-z0-9._~+/-]{1,4096}=*"), resolve), look_up=look_up
)
