"""How many wrong codes were typed in each session."""

from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from agentserver_reference.domain.oauth import WRONG_CODES_WINDOW
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.upsert import upsert
from agentserver_reference.storage.tables import sessions, wrong_codes

_c = wrong_codes.c
_number = select(_c.number).where(
    _c.session_hash == bindparam("of_session"), _c.since > bindparam("window_start")
)
_lock = (
    select(sessions.c.token_hash)
    .where(sessions.c.token_hash == bindparam("of_session"))
    .with_for_update(key_share=True)
)
_set = (
    update(wrong_codes)
    .where(_c.session_hash == bindparam("session"))
    .values(number=bindparam("counted"), since=bindparam("begun"))
)
_since = select(_c.since).where(_c.session_hash == bindparam("of_session"))
_add = insert(wrong_codes).values(
    session_hash=bindparam("session"), number=bindparam("counted"), since=bindparam("begun")
)


def lock(conn: Connection, session_hash: str) -> bool:
    """Lock a session, so that no other code is tried in it meanwhile; False if it has ended."""
    return bool(conn.execute(_lock, {"of_session": session_hash}).all())


def count(conn: Connection, session_hash: str, now: datetime) -> int:
    """How many there were in the time that counts."""
    start = timestamp(now - WRONG_CODES_WINDOW)
    found = conn.execute(_number, {"of_session": session_hash, "window_start": start})
    return found.scalar_one_or_none() or 0


def add(conn: Connection, session_hash: str, now: datetime) -> None:
    """Count one more, in a session that is locked."""
    before = count(conn, session_hash, now)
    begun = timestamp(now)
    if before:
        begun = conn.execute(_since, {"of_session": session_hash}).scalar_one()
    values = {"session": session_hash, "counted": before + 1, "begun": begun}
    upsert(conn, _set, _add, values)
