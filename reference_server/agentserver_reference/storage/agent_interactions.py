"""What agents have done, and what was done with their tasks: one row for each time.

A row is added in the transaction of what it is about, so that neither exists without the other.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, insert, null, select

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import agent_interactions

TASK, MESSAGE = "task", "message"

_c = agent_interactions.c
_list = Query(
    select(
        *(_c.sequence.label("id"), _c.actor_id, _c.action, _c.target_id, _c.target_type),
        *(_c.detail, _c.created_at),
    )
    .where(_c.workspace_id == bindparam("of_workspace"))
    .order_by(_c.sequence.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skipped"))
)
_add = insert(agent_interactions)
_add_without_detail = insert(agent_interactions).values(detail=null())


def add(
    conn: Connection,
    *,
    workspace_id: str,
    actor_id: str | None,
    action: str,
    target_id: str,
    target_type: str,
    now: datetime,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add what an agent, or someone else without an `actor_id`, has done."""
    values: dict[str, object] = {
        "workspace_id": workspace_id,
        "actor_id": actor_id,
        "action": action,
        "target_id": target_id,
        "target_type": target_type,
        "created_at": timestamp(now),
    }
    if detail is None:
        conn.execute(_add_without_detail, values)
    else:
        conn.execute(_add, values | {"detail": detail})


def list_of(conn: Connection, workspace_id: str, limit: int, offset: int) -> list[Record]:
    """What was done in a workspace, the newest first."""
    return _list.all(conn, of_workspace=workspace_id, most=limit, skipped=offset)
