"""Tokens for the LLM proxy, of sandboxes and of workspaces."""

from datetime import datetime

from sqlalchemy import bindparam, insert, select

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage import sandboxes
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.tables import PLACE, workspace_tokens

COLUMN: str = workspace_tokens.c.token_encrypted.info[PLACE]
"""The place to which the cipher binds a workspace's token, together with its id."""

_c = workspace_tokens.c
_by_hash = select(_c.workspace_id).where(_c.token_hash == bindparam("hashed"))
_encrypted = select(_c.token_encrypted).where(_c.workspace_id == bindparam("owner"))
_add = insert(workspace_tokens)


def find_holder(conn: Connection, token_hash: str) -> Record | None:
    """Whose token it is: workspace_id, sandbox_id, status and last_heartbeat_at.

    Of a workspace's token, all but the first are None.
    """
    sandbox = sandboxes.find_by_token(conn, token_hash)
    if sandbox is not None:
        return {
            "workspace_id": sandbox["workspace_id"],
            "sandbox_id": sandbox["id"],
            "status": sandbox["status"],
            "last_heartbeat_at": sandbox["last_heartbeat_at"],
        }
    owner = conn.execute(_by_hash, {"hashed": token_hash}).scalar_one_or_none()
    if owner is None:
        return None
    return {"workspace_id": owner, "sandbox_id": None, "status": None, "last_heartbeat_at": None}


def encrypted(conn: Connection, workspace_id: str) -> str | None:
    """The token of a workspace, if it has one."""
    found: str | None = conn.execute(_encrypted, {"owner": workspace_id}).scalar_one_or_none()
    return found


def add(
    conn: Connection, workspace_id: str, *, token_hash: str, token_encrypted: str, now: datetime
) -> None:
    """Give a workspace a token; it is locked and has none."""
    conn.execute(
        _add,
        {
            "workspace_id": workspace_id,
            "token_hash": token_hash,
            "token_encrypted": token_encrypted,
            "created_at": timestamp(now),
        },
    )
