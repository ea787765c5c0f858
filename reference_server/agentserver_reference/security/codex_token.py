"""Codex tokens, which a person's `codex --remote` sends as bearer tokens."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.domain.codex_tokens import FORM
from agentserver_reference.domain.roles import USER
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.security.bearer import bearer
from agentserver_reference.security.principal import Principal
from agentserver_reference.storage import codex_tokens

if TYPE_CHECKING:
    from agentserver_reference.storage.engine.connection import Connection

SCHEME = "codexToken"
"""Its name in the contract's `securitySchemes`, once an operation of the contract takes it."""


def resolve(
    conn: Connection, token: str, workspace_id: str | None, now: datetime
) -> Principal | None:
    """Return the owner of a valid token, with the role in the workspace of the token."""
    found = codex_tokens.find_valid(conn, token_hash(token), now)
    if found is None:
        return None
    return Principal(
        user_id=found["user_id"],
        role=USER,
        workspace_role=found["role"],
        workspace_id=found["workspace_id"],
        note_use=codex_tokens.USES.to_note(found["id"], found["last_used_at"], now),
    )


CODEX_TOKEN = bearer(FORM, resolve)
