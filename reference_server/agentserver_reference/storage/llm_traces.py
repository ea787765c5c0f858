"""Language-model requests and the traces that they belong to, all of one workspace.

A sandbox's view of a trace holds its own requests only, so that they add up to its usage whichever
began the trace.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from agentserver_reference.domain.times import timestamp
from agentserver_reference.domain.traces import Trace
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import llm_traces, llm_usage

TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
"""The columns that count tokens."""

_TOTALS = {
    name: f"total_{name.replace('_input', '') if 'cache' in name else name}" for name in TOKENS
}

_t, _u = llm_traces.c, llm_usage.c
_owner: BindParameter[str] = bindparam("owner")
_sandbox: BindParameter[str] = bindparam("of_sandbox")
_is_known = _u.duration.is_not(None)
_newest_first = (_t.updated_at.desc(), _t.sequence.desc())
_sums = [func.sum(_u[name]).label(name) for name in TOKENS]

_whole = select(
    *(_t.id, _t.sandbox_id, _t.workspace_id, _t.source, _t.created_at, _t.updated_at, _t.sequence)
)
_in_workspace = _t.workspace_id == _owner
_in_sandbox = and_(
    _in_workspace,
    (_t.sandbox_id == _sandbox)
    | select(_u.sequence)
    .where(_u.workspace_id == _t.workspace_id, _u.trace_id == _t.id, _u.sandbox_id == _sandbox)
    .exists(),
)


def _with_totals(traces: Select[*tuple[Any, ...]], own: ColumnElement[bool] | None = None) -> Query:
    """These traces, newest first, with a row for each model that their requests name."""
    page = traces.subquery()
    belongs = and_(_u.workspace_id == page.c.workspace_id, _u.trace_id == page.c.id, _is_known)
    return Query(
        select(*page.c, _u.model, func.count(_u.sequence).label("request_count"), *_sums)
        .outerjoin(llm_usage, belongs if own is None else and_(belongs, own))
        .group_by(*page.c, _u.model)
        .order_by(page.c.updated_at.desc(), page.c.sequence.desc())
    )


def _pages(where: ColumnElement[bool], own: ColumnElement[bool] | None = None) -> Query:
    paged = _whole.where(where).order_by(*_newest_first)
    return _with_totals(paged.limit(bindparam("most")).offset(bindparam("skipped")), own)


_by_sandbox = _u.sandbox_id == _sandbox
_is_named = _t.id == bindparam("named")
_list = {False: _pages(_in_workspace), True: _pages(_in_sandbox, _by_sandbox)}
_count = {
    False: select(func.count()).select_from(llm_traces).where(_in_workspace),
    True: select(func.count()).select_from(llm_traces).where(_in_sandbox),
}
_one = {
    False: _with_totals(_whole.where(_in_workspace, _is_named)),
    True: _with_totals(_whole.where(_in_sandbox, _is_named), _by_sandbox),
}
_requests_of_workspace = (
    select(
        *(_u.id, _u.trace_id, _u.sandbox_id, _u.workspace_id, _u.provider, _u.model),
        *(_u.message_id, *(_u[name] for name in TOKENS), _u.streaming, _u.duration, _u.ttft),
        _u.created_at,
    )
    .where(_u.workspace_id == _owner, _u.trace_id == bindparam("named"), _is_known)
    .order_by(_u.created_at, _u.sequence)
)
_requests = {
    False: Query(_requests_of_workspace),
    True: Query(_requests_of_workspace.where(_by_sandbox)),
}
_usage = Query(
    select(_u.provider, _u.model, *_sums, func.count().label("request_count"))
    .where(_u.workspace_id == _owner, _by_sandbox, _is_known, _u.created_at >= bindparam("since"))
    .group_by(_u.provider, _u.model)
)
_touch = update(llm_traces).where(_in_workspace, _is_named).values(updated_at=bindparam("now"))
_begin = insert(llm_traces)
_reserve = insert(llm_usage)
_this = _u.id == bindparam("request_id")
_record = update(llm_usage).where(_this)
_give_back = delete(llm_usage).where(_this)


def reserve(
    conn: Connection,
    request_id: str,
    *,
    workspace_id: str,
    sandbox_id: str | None,
    trace: Trace,
    provider: str,
    now: datetime,
) -> None:
    """Add a request whose end is not known yet, and its trace; the workspace is locked.

    `sandbox_id` is None for a request of the workspace itself.
    """
    moment = timestamp(now)
    values = {"owner": workspace_id, "named": trace.id, "now": moment}
    if conn.execute(_touch, values).rowcount == 0:
        conn.execute(
            _begin,
            {
                "id": trace.id,
                "workspace_id": workspace_id,
                "sandbox_id": sandbox_id,
                "source": trace.source,
                "created_at": moment,
                "updated_at": moment,
            },
        )
    conn.execute(
        _reserve,
        {
            "id": request_id,
            "workspace_id": workspace_id,
            "sandbox_id": sandbox_id,
            "trace_id": trace.id,
            "provider": provider,
            "created_at": moment,
        },
    )


def record(
    conn: Connection,
    request_id: str,
    *,
    workspace_id: str,
    trace: Trace,
    outcome: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write down how a request went, if its workspace still exists."""
    if conn.execute(_record, {"request_id": request_id, **outcome}).rowcount:
        conn.execute(_touch, {"owner": workspace_id, "named": trace.id, "now": timestamp(now)})


def give_back(conn: Connection, request_id: str) -> None:
    """Remove a request that failed, so that it does not count."""
    conn.execute(_give_back, {"request_id": request_id})


def list_of(
    conn: Connection, workspace_id: str, sandbox_id: str | None, limit: int, offset: int
) -> tuple[int, list[Record]]:
    """How many traces there are, and a page of them, the last changed first."""
    of = {"owner": workspace_id} | ({} if sandbox_id is None else {"of_sandbox": sandbox_id})
    scoped = sandbox_id is not None
    rows = _list[scoped].all(conn, **of, most=limit, skipped=offset)
    return conn.execute(_count[scoped], of).scalar_one(), _folded(rows)


def find(
    conn: Connection, workspace_id: str, sandbox_id: str | None, trace_id: str
) -> tuple[Record, list[Record]] | None:
    """A trace, and its requests, oldest first."""
    of = {"owner": workspace_id} | ({} if sandbox_id is None else {"of_sandbox": sandbox_id})
    scoped = sandbox_id is not None
    found = _folded(_one[scoped].all(conn, **of, named=trace_id))
    if not found:
        return None
    requests = _requests[scoped].all(conn, **of, named=trace_id)
    return found[0], [_shown(row) for row in requests]


def usage_of(
    conn: Connection, workspace_id: str, sandbox_id: str, since: datetime | None
) -> list[Record]:
    """What a sandbox's requests have used, by provider and model."""
    start = "" if since is None else timestamp(since)
    rows = _usage.all(conn, owner=workspace_id, of_sandbox=sandbox_id, since=start)
    # Not sorted by the database, whose order of text depends on how it was set up.
    rows.sort(key=lambda row: (row["provider"], row["model"]))
    return [row | {name: int(row[name]) for name in TOKENS} for row in rows]


def _folded(rows: list[Record]) -> list[Record]:
    """One record a trace, of one row for each of its models."""
    traces = []
    for _, group in groupby(rows, key=lambda row: row["sequence"]):
        of_models = list(group)
        first = of_models[0]
        traces.append(
            {
                **{name: first[name] for name in ("id", "workspace_id", "source")},
                "sandbox_id": first["sandbox_id"] or "",
                **{name: first[name] for name in ("created_at", "updated_at")},
                "request_count": sum(row["request_count"] for row in of_models),
                **{
                    total: sum(int(row[name] or 0) for row in of_models)
                    for name, total in _TOTALS.items()
                },
                "models": ", ".join(sorted(row["model"] for row in of_models if row["model"])),
            }
        )
    return traces


def _shown(row: Record) -> Record:
    """A request without a message id if it has none."""
    shown = row | {"sandbox_id": row["sandbox_id"] or ""}
    if not shown["message_id"]:
        del shown["message_id"]
    return shown
