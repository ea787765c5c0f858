"""Frames that wait for the process that has the WebSocket for which they are."""

from collections.abc import Collection
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, insert, select

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine import expiry
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import executor_frames

_c = executor_frames.c
_sockets: BindParameter[Any] = bindparam("sockets", expanding=True)
_add = insert(executor_frames)
_any = select(_c.sequence).where(_c.socket_id.in_(_sockets)).limit(1)
_oldest = (
    select(_c.sequence)
    .where(_c.socket_id.in_(_sockets))
    .order_by(_c.sequence)
    .limit(bindparam("most"))
)
_take = Query(
    delete(executor_frames)
    .where(_c.sequence.in_(_oldest))
    .returning(_c.sequence, _c.socket_id, _c.sender_id, _c.frame)
)
_remove_expired = expiry.remove_expired(_c.sequence, _c.expires_at)


def add(
    conn: Connection, *, socket_id: str, sender_id: str, frame: bytes, expires_at: datetime
) -> None:
    """Leave a frame for a WebSocket."""
    conn.execute(
        _add,
        {
            "socket_id": socket_id,
            "sender_id": sender_id,
            "frame": frame,
            "expires_at": timestamp(expires_at),
        },
    )


def are_there(conn: Connection, socket_ids: Collection[str]) -> bool:
    """Whether there are frames for these WebSockets."""
    return conn.execute(_any, {"sockets": list(socket_ids)}).first() is not None


def take(conn: Connection, socket_ids: Collection[str], most: int) -> list[Record]:
    """Remove up to `most` frames for these WebSockets, and return them, the oldest first."""
    taken = _take.all(conn, sockets=list(socket_ids), most=most)
    return sorted(taken, key=itemgetter("sequence"))


def remove_expired(conn: Connection, now: datetime, most: int) -> int:
    """Remove up to `most` frames that were never taken; how many they were."""
    return conn.execute(_remove_expired, {"now": timestamp(now), "most": most}).rowcount
