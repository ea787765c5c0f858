"""Sandboxes, as far as lists and limits need them."""

from datetime import datetime

from sqlalchemy import bindparam, func, insert, select

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import sandboxes

_all = Query(
    select(
        sandboxes.c.id,
        sandboxes.c.name,
        sandboxes.c.workspace_id,
        sandboxes.c.type,
        sandboxes.c.status,
        sandboxes.c.created_at,
        sandboxes.c.is_local,
        sandboxes.c.last_activity_at,
    ).order_by(sandboxes.c.created_at, sandboxes.c.sequence)
)
_count = select(func.count()).where(sandboxes.c.workspace_id == bindparam("workspace_id"))
_add = insert(sandboxes)


def list_all(conn: Connection) -> list[Record]:
    """Every sandbox, oldest first."""
    return _all.all(conn)


def count_of(conn: Connection, workspace_id: str) -> int:
    """How many sandboxes a workspace has, in any state."""
    return conn.execute(_count, {"workspace_id": workspace_id}).scalar_one()


def add(
    conn: Connection,
    *,
    sandbox_id: str,
    workspace_id: str,
    name: str,
    type: str,
    status: str,
    is_local: bool,
    now: datetime,
    last_activity_at: datetime | None = None,
) -> None:
    """Add a sandbox, without limits of its own."""
    conn.execute(
        _add,
        {
            "id": sandbox_id,
            "workspace_id": workspace_id,
            "name": name,
            "type": type,
            "status": status,
            "is_local": is_local,
            "cpu": None,
            "memory": None,
            "idle_timeout": None,
            "created_at": timestamp(now),
            "last_activity_at": None if last_activity_at is None else timestamp(last_activity_at),
        },
    )
