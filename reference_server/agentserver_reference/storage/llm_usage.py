"""Language-model requests: those a workspace has made, and how many it may make per day."""

from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.upsert import Values, upsert
from agentserver_reference.storage.tables import llm_quotas, llm_usage

_of_workspace = llm_quotas.c.workspace_id == bindparam("owner")
_quota = Query(
    select(llm_quotas.c.workspace_id, llm_quotas.c.max_rpd, llm_quotas.c.updated_at).where(
        _of_workspace
    )
)
_values: Values = {"max_rpd": bindparam("maximum"), "updated_at": bindparam("now")}
_update = update(llm_quotas).where(_of_workspace).values(_values)
_insert = insert(llm_quotas).values(workspace_id=bindparam("owner"), **_values)
_delete = delete(llm_quotas).where(_of_workspace)
_count = select(func.count()).where(
    llm_usage.c.workspace_id == bindparam("owner"), llm_usage.c.created_at >= bindparam("since")
)
_record = insert(llm_usage)


def quota(conn: Connection, workspace_id: str) -> Record | None:
    """workspace_id, max_rpd (None: the default applies) and updated_at; None without a limit."""
    return _quota.first(conn, owner=workspace_id)


def set_quota(conn: Connection, workspace_id: str, maximum: int | None, now: datetime) -> None:
    """Replace the limit of a workspace, which is locked."""
    values = {"owner": workspace_id, "maximum": maximum, "now": timestamp(now)}
    upsert(conn, _update, _insert, values)


def delete_quota(conn: Connection, workspace_id: str) -> None:
    """Remove a workspace's limit, if there is one."""
    conn.execute(_delete, {"owner": workspace_id})


def count_since(conn: Connection, workspace_id: str, moment: datetime) -> int:
    """How many requests a workspace made at `moment` and later."""
    return conn.execute(_count, {"owner": workspace_id, "since": timestamp(moment)}).scalar_one()


def record(conn: Connection, workspace_id: str, now: datetime) -> None:
    """Record one request."""
    conn.execute(_record, {"workspace_id": workspace_id, "created_at": timestamp(now)})
