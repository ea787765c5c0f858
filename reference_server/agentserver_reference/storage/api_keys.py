"""API keys of workspaces. Only a key's hash is stored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import api_keys
from agentserver_reference.storage.uses import Uses

USES = Uses(api_keys)
"""When the keys were last used."""

_c = api_keys.c
_of_workspace = Query(
    select(
        _c.id,
        _c.name,
        _c.id.label("prefix"),
        _c.scopes,
        _c.created_at,
        _c.last_used_at,
        _c.revoked_at,
    )
    .where(_c.workspace_id == bindparam("owner"))
    .order_by(_c.created_at.desc(), _c.sequence.desc())
)
_valid_count = (
    select(func.count())
    .select_from(api_keys)
    .where(_c.workspace_id == bindparam("owner"), _c.revoked_at.is_(None))
)
_valid = Query(
    select(_c.id, _c.workspace_id, _c.made_by, _c.scopes, _c.last_used_at).where(
        _c.key_hash == bindparam("hashed"), _c.revoked_at.is_(None)
    )
)
_add = insert(api_keys)
_revoke = (
    update(api_keys)
    .where(
        _c.id == bindparam("key_id"),
        _c.workspace_id == bindparam("owner"),
        _c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
)


def list_of(conn: Connection, workspace_id: str) -> list[Record]:
    """The keys of a workspace, newest first, those that are revoked included."""
    return _of_workspace.all(conn, owner=workspace_id)


def count_valid(conn: Connection, workspace_id: str) -> int:
    """How many keys of a workspace are not revoked."""
    count: int = conn.execute(_valid_count, {"owner": workspace_id}).scalar_one()
    return count


def add(
    conn: Connection,
    *,
    key_id: str,
    workspace_id: str,
    made_by: str,
    name: str,
    key_hash: str,
    scopes: Sequence[str],
    now: datetime,
) -> None:
    """Add a key to a workspace, which is locked."""
    conn.execute(
        _add,
        {
            "id": key_id,
            "workspace_id": workspace_id,
            "made_by": made_by,
            "name": name,
            "key_hash": key_hash,
            "scopes": list(scopes),
            "created_at": timestamp(now),
        },
    )


def revoke(conn: Connection, workspace_id: str, key_id: str, now: datetime) -> None:
    """Revoke a key of this workspace; one that is revoked already keeps its time."""
    conn.execute(_revoke, {"owner": workspace_id, "key_id": key_id, "now": timestamp(now)})


def find_valid(conn: Connection, key_hash: str) -> Record | None:
    """id, workspace_id, made_by, scopes and last_used_at of a key; None if it is not valid."""
    return _valid.first(conn, hashed=key_hash)
