"""Sandboxes.

A state changes in one statement that compares it first, so that of several changes at the same
time, in whatever process, one is made.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    bindparam,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from agentserver_reference.domain.sandboxes import (
    LIFE_CYCLE,
    PASSING,
    PAUSED,
    RESUMING,
    RUNNING,
    USING_RESOURCES,
    Event,
    Size,
)
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import (
    PLACE,
    members,
    sandbox_processes,
    sandboxes,
    workspace_quotas,
)

TOKEN_COLUMN: str = sandboxes.c.token_encrypted.info[PLACE]
"""The place to which the cipher binds a sandbox's token, together with its id."""

_c = sandboxes.c
_listed = (
    _c.id,
    _c.name,
    _c.workspace_id,
    _c.type,
    _c.status,
    _c.created_at,
    _c.is_local,
    _c.last_activity_at,
)
_whole = (
    *_listed,
    *(_c.short_id, _c.paused_at, _c.cpu, _c.memory, _c.idle_timeout, _c.metadata, _c.status_since),
    _c.last_heartbeat_at,
)
_oldest_first = (_c.created_at, _c.sequence)
_this = _c.id == bindparam("sandbox_id")
_has_process = (
    select(sandbox_processes.c.sandbox_id)
    .where(sandbox_processes.c.sandbox_id == _c.id, sandbox_processes.c.server_id.is_not(None))
    .exists()
)
_of_workspace = _c.workspace_id == bindparam("of_workspace")

_all = Query(select(*_listed).order_by(*_oldest_first))
_in_workspace = Query(select(*_whole).where(_of_workspace).order_by(*_oldest_first))
_by_id = Query(select(*_whole).where(_this))
_workspace = select(_c.workspace_id).where(_this)
_count = select(func.count()).where(_of_workspace, _c.is_local.is_(False))
_used = select(func.coalesce(func.sum(_c.cpu), 0), func.coalesce(func.sum(_c.memory), 0)).where(
    _of_workspace, _c.status.in_(sorted(USING_RESOURCES))
)
_passing = Query(select(*_whole).where(_c.status.in_(sorted(PASSING))).order_by(*_oldest_first))
_running = Query(
    select(
        _c.id,
        _c.last_activity_at,
        _c.idle_timeout,
        workspace_quotas.c.max_idle_timeout.label("workspace_idle_timeout"),
    )
    .outerjoin(workspace_quotas, workspace_quotas.c.workspace_id == _c.workspace_id)
    .where(_c.status == RUNNING, _c.is_local.is_(False))
    .order_by(*_oldest_first)
)
tokens_are_valid = or_(_c.is_local.is_(False), _c.registered_by.is_not(None))
"""Of sandboxes: those of a registered agent end with the membership behind them."""

_by_token = Query(
    select(_c.id, _c.workspace_id, _c.status, _c.last_heartbeat_at).where(
        _c.token_hash == bindparam("hashed"), tokens_are_valid
    )
)
_end_tokens = (
    update(sandboxes)
    .where(
        _c.registered_by.in_(
            select(members.c.sequence).where(
                members.c.workspace_id == bindparam("of_workspace"),
                members.c.user_id == bindparam("of_user"),
            )
        )
    )
    .values(registered_by=null())
)
_token = select(_c.token_encrypted).where(_this)
_touch = update(sandboxes).where(_this).values(last_activity_at=bindparam("now"))
_add = Query(insert(sandboxes).returning(*_whole))
_rename = Query(update(sandboxes).where(_this).values(name=bindparam("given")).returning(*_whole))
_remove = Query(delete(sandboxes).where(_this).returning(*_whole))


def _change(source: str, event: Event, target: str) -> Query:
    """The statement that changes one state to another."""
    where = [_this, _c.status == source]
    if event == Event.LOST:  # unless it has been found again, or started anew
        where.append(~_has_process)
    now: BindParameter[str] = bindparam("now")
    values: dict[str, Any] = {"status": target, "status_since": now}
    if target == PAUSED:
        values["paused_at"] = now
    if target == RUNNING:
        values["paused_at"] = null()
    if (source, target) == (RESUMING, RUNNING):
        values["last_activity_at"] = now  # otherwise it would be idle at once
    return Query(update(sandboxes).where(*where).values(values).returning(*_whole))


_changes = {
    (source, event): _change(source, event, target)
    for source, events in LIFE_CYCLE.items()
    for event, target in events.items()
}
_pause_idle = Query(
    update(sandboxes)
    .where(_this, _c.status == RUNNING, _c.last_activity_at == bindparam("seen"))
    .values(status=LIFE_CYCLE[RUNNING][Event.PAUSE], status_since=bindparam("now"))
    .returning(_c.id)
)


def end_tokens_of_member(conn: Connection, workspace_id: str, user_id: str) -> None:
    """End the tokens of the agents that a member has registered; the membership stays."""
    conn.execute(_end_tokens, {"of_workspace": workspace_id, "of_user": user_id})


def has_valid_tokens(parameter: str) -> ColumnElement[bool]:
    """Return the condition that the tokens of the sandbox with the id `parameter` are valid."""
    return select(_c.id).where(_c.id == bindparam(parameter), tokens_are_valid).exists()


def list_all(conn: Connection) -> list[Record]:
    """Every sandbox as administrators see it, oldest first."""
    return _all.all(conn)


def list_of(conn: Connection, workspace_id: str) -> list[Record]:
    """The sandboxes of a workspace, oldest first."""
    return _in_workspace.all(conn, of_workspace=workspace_id)


def find(conn: Connection, sandbox_id: str) -> Record | None:
    """A sandbox."""
    return _by_id.first(conn, sandbox_id=sandbox_id)


def workspace_of(conn: Connection, sandbox_id: str) -> str | None:
    """The workspace of a sandbox, which never changes."""
    found: str | None = conn.execute(_workspace, {"sandbox_id": sandbox_id}).scalar_one_or_none()
    return found


def count_of(conn: Connection, workspace_id: str) -> int:
    """How many sandboxes of the server a workspace has, in any state."""
    return conn.execute(_count, {"of_workspace": workspace_id}).scalar_one()


def used_by(conn: Connection, workspace_id: str) -> Size:
    """What the sandboxes of a workspace use that are neither paused nor offline."""
    row = conn.execute(_used, {"of_workspace": workspace_id}).all()[0]
    return Size(cpu=int(row[0]), memory=int(row[1]))


def list_passing(conn: Connection) -> list[Record]:
    """The sandboxes that are in a state which ends by itself, oldest first."""
    return _passing.all(conn)


def list_running(conn: Connection) -> list[Record]:
    """Those that may be idle: id, last_activity_at, idle_timeout and workspace_idle_timeout."""
    return _running.all(conn)


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
    short_id: str | None = None,
    size: Size | None = None,
    idle_timeout: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    token_hash: str | None = None,
    token_encrypted: str | None = None,
    tunnel_token_hash: str | None = None,
    last_heartbeat_at: datetime | None = None,
    registered_by: int | None = None,
) -> Record:
    """Add a sandbox; without a size it has no limits of its own."""
    return _add.one(
        conn,
        id=sandbox_id,
        workspace_id=workspace_id,
        name=name,
        type=type,
        status=status,
        is_local=is_local,
        cpu=size and size.cpu,
        memory=size and size.memory,
        idle_timeout=idle_timeout,
        created_at=timestamp(now),
        last_activity_at=last_activity_at and timestamp(last_activity_at),
        short_id=short_id,
        metadata=metadata,
        status_since=timestamp(now),
        token_hash=token_hash,
        token_encrypted=token_encrypted,
        tunnel_token_hash=tunnel_token_hash,
        last_heartbeat_at=last_heartbeat_at and timestamp(last_heartbeat_at),
        registered_by=registered_by,
    )


def find_by_token(conn: Connection, token_hash: str) -> Record | None:
    """The sandbox that has a token: id, workspace_id, status and last_heartbeat_at."""
    return _by_token.first(conn, hashed=token_hash)


def encrypted_token(conn: Connection, sandbox_id: str) -> str | None:
    """The token of a sandbox, if it has one."""
    found: str | None = conn.execute(_token, {"sandbox_id": sandbox_id}).scalar_one_or_none()
    return found


def touch(conn: Connection, sandbox_id: str, now: datetime) -> None:
    """Write down that a sandbox is active."""
    conn.execute(_touch, {"sandbox_id": sandbox_id, "now": timestamp(now)})


def rename(conn: Connection, sandbox_id: str, name: str) -> Record | None:
    """Give a sandbox another name; the sandbox as it is then, if there is one."""
    return _rename.first(conn, sandbox_id=sandbox_id, given=name)


def change(
    conn: Connection, sandbox_id: str, source: str, event: Event, now: datetime
) -> Record | None:
    """Change the state as the life cycle says; None for a sandbox that is not in `source`."""
    return _changes[source, event].first(conn, sandbox_id=sandbox_id, now=timestamp(now))


def pause_idle(conn: Connection, sandbox_id: str, seen: str, now: datetime) -> bool:
    """Pause a running sandbox whose last activity is still the one that was `seen`."""
    paused = _pause_idle.first(conn, sandbox_id=sandbox_id, seen=seen, now=timestamp(now))
    return paused is not None


def remove(conn: Connection, sandbox_id: str) -> Record | None:
    """Remove a sandbox; what it was, if there was one."""
    return _remove.first(conn, sandbox_id=sandbox_id)
