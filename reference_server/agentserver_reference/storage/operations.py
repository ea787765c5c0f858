"""The operations log."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, tuple_

from agentserver_reference.domain.times import precise_timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import operations

_c = operations.c
_conditions = {
    "env_id": _c.env_id == bindparam("env_id"),
    "tool": _c.tool == bindparam("tool"),
    "source": _c.source == bindparam("source"),
    "is_error": _c.is_error == bindparam("is_error"),
    "since": _c.started_at >= bindparam("since"),
    # Compared as one, so that the index leads to the place; with "or", all before it is read.
    "before": tuple_(_c.started_at, _c.id) < tuple_(bindparam("before"), bindparam("before_id")),
}
"""By filter: what it asks of a row."""

_start = Query(
    select(_c.started_at).where(
        _c.workspace_id == bindparam("owner"), _c.id == bindparam("operation_id")
    )
)
_add = insert(operations)
_remove_old = delete(operations).where(
    _c.id.in_(
        select(_c.id)
        .where(_c.started_at < bindparam("before"))
        .order_by(_c.started_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)


@cache
def _list(filters: frozenset[str]) -> Query:
    return Query(
        select(*_c)
        .where(
            _c.workspace_id == bindparam("owner"),
            *(condition for name, condition in _conditions.items() if name in filters),
        )
        .order_by(_c.started_at.desc(), _c.id.desc())
        .limit(bindparam("most"))
    )


def add(conn: Connection, operation: Mapping[str, Any]) -> None:
    """Add an operation; what is left out is null."""
    conn.execute(_add, dict(operation))


def list_of(
    conn: Connection, workspace_id: str, filters: Mapping[str, Any], before: str | None, limit: int
) -> list[Record]:
    """Operations of a workspace, the last begun first, without the fields that are null.

    Arguments:
        conn: the connection.
        workspace_id: the workspace.
        filters: the values of those of `env_id`, `tool`, `source`, `is_error` and `since` (as a
            precise timestamp) that are given.
        before: the id of the operation that they follow; None for the beginning.
        limit: how many at most.
    """
    values = dict(filters)
    names = frozenset(filters)
    if before is not None:
        found = _start.first(conn, owner=workspace_id, operation_id=before)
        if found is None:
            return []
        names |= {"before"}
        values |= {"before": found["started_at"], "before_id": before}
    rows = _list(names).all(conn, owner=workspace_id, most=limit, **values)
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def remove_old(conn: Connection, before: datetime, most: int) -> int:
    """Remove operations that began earlier than this; return how many, `most` at most.

    One that another transaction has locked is left for the next time.
    """
    return conn.execute(_remove_old, {"before": precise_timestamp(before), "most": most}).rowcount
