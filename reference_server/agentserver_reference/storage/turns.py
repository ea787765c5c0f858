"""Turns of codex and their threads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, null, select, update

from agentserver_reference.domain.times import precise_timestamp
from agentserver_reference.storage.engine import expiry
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import codex_threads, codex_turns

_h, _t = codex_threads.c, codex_turns.c
_this = _t.id == bindparam("turn_id")
_is_under_way = _t.ended_at.is_(None)

_by_key = Query(
    select(_t.id, _t.body_hash, _t.started_at).where(
        _t.workspace_id == bindparam("owner"), _t.idempotency_key == bindparam("key")
    )
)
_forget_key = update(codex_turns).where(_this).values(idempotency_key=null())
_thread = Query(
    select(_h.id).where(_h.id == bindparam("thread"), _h.workspace_id == bindparam("owner"))
)
_under_way = Query(
    select(_t.id).where(
        _t.workspace_id == bindparam("owner"), _t.thread_id == bindparam("thread"), _is_under_way
    )
)
_answer = Query(select(_t.answer, _t.ended_at).where(_this))
_lost = Query(
    select(_t.id, _t.workspace_id, _t.thread_id, _t.operation)
    .where(_is_under_way, _t.alive_until < bindparam("now"))
    .order_by(_t.alive_until)
    .limit(bindparam("most"))
)
_begin = insert(codex_turns)
_begin_thread = insert(codex_threads)
_renew = update(codex_turns).where(_this, _is_under_way).values(alive_until=bindparam("until"))
_end = (
    update(codex_turns)
    .where(_this, _is_under_way)
    .values(answer=bindparam("given", type_=_t.answer.type), ended_at=bindparam("now"))
)
_remove_old = expiry.remove_expired(_t.id, _t.ended_at)


def begin(
    conn: Connection,
    turn_id: str,
    *,
    workspace_id: str,
    thread_id: str | None,
    key: str | None,
    body_hash: str,
    operation: Mapping[str, Any],
    now: datetime,
    until: datetime,
) -> None:
    """Add a turn, which is under way; the workspace is locked."""
    conn.execute(
        _begin,
        {
            "id": turn_id,
            "workspace_id": workspace_id,
            "thread_id": thread_id,
            "idempotency_key": key,
            "body_hash": body_hash,
            "operation": dict(operation),
            "started_at": precise_timestamp(now),
            "alive_until": precise_timestamp(until),
        },
    )


def find_by_key(conn: Connection, workspace_id: str, key: str, now: datetime) -> Record | None:
    """id and body_hash of the turn that a key stands for; None if it stands for none any more.

    Arguments:
        conn: the connection.
        workspace_id: the workspace, which is locked.
        key: the key.
        now: what began at this time or earlier is forgotten.
    """
    found = _by_key.first(conn, owner=workspace_id, key=key)
    if found is not None and found["started_at"] <= precise_timestamp(now):
        conn.execute(_forget_key, {"turn_id": found["id"]})
        return None
    return found


def has_thread(conn: Connection, workspace_id: str, thread_id: str) -> bool:
    """Whether a thread is one of the workspace."""
    return _thread.first(conn, owner=workspace_id, thread=thread_id) is not None


def is_busy(conn: Connection, workspace_id: str, thread_id: str) -> bool:
    """Whether a turn of a thread is under way."""
    return _under_way.first(conn, owner=workspace_id, thread=thread_id) is not None


def answer_of(conn: Connection, turn_id: str) -> Record | None:
    """answer and ended_at of a turn, both null while it is under way."""
    return _answer.first(conn, turn_id=turn_id)


def renew(conn: Connection, turn_id: str, until: datetime) -> None:
    """Note that a turn is still under way."""
    conn.execute(_renew, {"turn_id": turn_id, "until": precise_timestamp(until)})


def lost(conn: Connection, now: datetime, most: int) -> list[Record]:
    """Turns that no server runs any more, although they have not ended."""
    return _lost.all(conn, now=precise_timestamp(now), most=most)


def end(
    conn: Connection,
    turn_id: str,
    *,
    workspace_id: str,
    thread_id: str,
    answer: Mapping[str, Any],
    now: datetime,
) -> bool:
    """End a turn that is under way, and note its thread if it is new; the workspace is locked.

    Returns whether it was under way.
    """
    values = {"turn_id": turn_id, "given": dict(answer), "now": precise_timestamp(now)}
    if conn.execute(_end, values).rowcount == 0:
        return False
    if thread_id:
        note_thread(conn, workspace_id, thread_id, now)
    return True


def note_thread(conn: Connection, workspace_id: str, thread_id: str, now: datetime) -> None:
    """Note that a thread is one of the workspace, which is locked, if that is new."""
    if not has_thread(conn, workspace_id, thread_id):
        thread = {"id": thread_id, "workspace_id": workspace_id}
        conn.execute(_begin_thread, thread | {"created_at": precise_timestamp(now)})


def remove_old(conn: Connection, before: datetime, most: int) -> int:
    """Remove turns that ended at this time or earlier; return how many, `most` at most."""
    return conn.execute(_remove_old, {"now": precise_timestamp(before), "most": most}).rowcount
