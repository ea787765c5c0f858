"""The WebSockets that were opened with codex tokens."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, func, insert, or_, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.codex_tokens import is_valid, of_member
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import codex_sessions, codex_tokens, members

_s, _t = codex_sessions.c, codex_tokens.c
_now: BindParameter[str] = bindparam("now")
_of_workspace = Query(
    select(
        _t.id,
        _t.name,
        _t.workspace_id,
        _t.created_at,
        _t.expires_at,
        _t.last_used_at,
        _s.client_ip,
        _s.client_ua,
        _s.codex_version,
        _s.os,
        _s.connected_at,
        _s.last_seen_at,
        _s.disconnected_at,
    )
    .outerjoin(codex_sessions, _s.token_id == _t.id)
    .where(_t.workspace_id == bindparam("owner"), _t.revoked_at.is_(None))
    .order_by(_t.created_at.desc(), _t.sequence.desc(), _s.sequence)
)
_add = insert(codex_sessions)
_remove_over = delete(codex_sessions).where(
    _s.token_id == bindparam("of_token"),
    or_(_s.disconnected_at.is_not(None), _s.last_seen_at <= bindparam("silent")),
)
_CLIENT = ("client_ua", "codex_version")
_note_client = (
    update(codex_sessions)
    .where(_s.id == bindparam("session"))
    .values({name: func.coalesce(bindparam(f"new_{name}"), _s[name]) for name in _CLIENT})
)
_sockets: BindParameter[Any] = bindparam("sockets", expanding=True)
_connected = (
    select(_s.id)
    .join(codex_tokens, _t.id == _s.token_id)
    .join(members, of_member)
    .where(_s.id.in_(_sockets), *is_valid)
)
_touch = update(codex_sessions).where(_s.id.in_(_sockets)).values(last_seen_at=_now)
_disconnect = (
    update(codex_sessions).where(_s.id == bindparam("session")).values(disconnected_at=_now)
)


def of_workspace(conn: Connection, workspace_id: str) -> list[Record]:
    """The tokens of a workspace that are not revoked, newest first, once for each session.

    A token without a session is there once; the sessions of a token are in the order in which they
    were opened.
    """
    return _of_workspace.all(conn, owner=workspace_id)


def add(
    conn: Connection,
    *,
    session_id: str,
    token_id: str,
    client: Record,
    now: datetime,
    silent: datetime,
) -> None:
    """Add a session of a token, whose workspace is locked.

    It takes the place of those that are over: closed, or without a sign of life since `silent`.
    """
    conn.execute(_remove_over, {"of_token": token_id, "silent": timestamp(silent)})
    moment = timestamp(now)
    given = {name: client[name] for name in ("client_ip", *_CLIENT, "os")}
    row = {"id": session_id, "token_id": token_id, "connected_at": moment, "last_seen_at": moment}
    conn.execute(_add, row | given)


def note_client(conn: Connection, session_id: str, client: Record) -> None:
    """Note what a client says of itself; what it does not say remains."""
    values = {f"new_{name}": client.get(name) for name in _CLIENT}
    conn.execute(_note_client, values | {"session": session_id})


def connected(conn: Connection, session_ids: Collection[str], now: datetime) -> set[str]:
    """Those of these sessions whose token is still valid."""
    values = {"sockets": list(session_ids), "now": timestamp(now)}
    return set(conn.execute(_connected, values).scalars())


def touch(conn: Connection, session_ids: Collection[str], now: datetime) -> None:
    """Write a sign of life down."""
    conn.execute(_touch, {"sockets": list(session_ids), "now": timestamp(now)})


def disconnect(conn: Connection, session_id: str, now: datetime) -> None:
    """Note that a session is over."""
    conn.execute(_disconnect, {"session": session_id, "now": timestamp(now)})
