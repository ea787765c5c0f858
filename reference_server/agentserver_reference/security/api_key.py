"""API keys of workspaces, which programs send as bearer tokens."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.domain.api_keys import FORM
from agentserver_reference.domain.roles import API_KEY_ROLE, USER
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.security.bearer import bearer
from agentserver_reference.security.principal import Principal
from agentserver_reference.storage import api_keys

if TYPE_CHECKING:
    from agentserver_reference.storage.engine.connection import Connection

SCHEME = "apiKey"
"""Its name in the contract's `securitySchemes`."""


def resolve(
    conn: Connection, key: str, workspace_id: str | None, now: datetime
) -> Principal | None:
    """Return whom a valid key acts for: who has made it, in the workspace of the key alone."""
    found = api_keys.find_valid(conn, token_hash(key))
    if found is None:
        return None
    return Principal(
        user_id=found["made_by"],
        role=USER,
        workspace_role=API_KEY_ROLE if workspace_id == found["workspace_id"] else None,
        scopes=frozenset(found["scopes"]),
        note_use=api_keys.USES.to_note(found["id"], found["last_used_at"], now),
    )


API_KEY = bearer(FORM, resolve)
