"""Sessions: who holds a token. Only the token's hash is here."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import sessions, users


class SessionOwner(NamedTuple):
    """The user who holds a session, with the role that the user has now."""

    user_id: str
    role: str


_caller = (
    select(users.c.id, users.c.role)
    .join(sessions, sessions.c.user_id == users.c.id)
    .where(
        sessions.c.token_hash == bindparam("token_hash"), sessions.c.expires_at > bindparam("now")
    )
)
_add = insert(sessions)
_end = delete(sessions).where(sessions.c.token_hash == bindparam("token"))
_forget_ended = delete(sessions).where(sessions.c.expires_at <= bindparam("now"))


def find_caller(conn: Connection, token_hash: str, now: datetime) -> SessionOwner | None:
    """Whose session this is; None for an unknown token and for one that has expired."""
    row = conn.execute(_caller, {"token_hash": token_hash, "now": timestamp(now)}).first()
    return None if row is None else SessionOwner(*row)


def add(
    conn: Connection, *, token_hash: str, user_id: str, now: datetime, expires_at: datetime
) -> None:
    """Open a session, and forget those of everybody that have ended by `now`."""
    conn.execute(_forget_ended, {"now": timestamp(now)})
    conn.execute(
        _add,
        {
            "token_hash": token_hash,
            "user_id": user_id,
            "expires_at": timestamp(expires_at),
            "created_at": timestamp(now),
        },
    )


def end(conn: Connection, token_hash: str) -> None:
    """End a session; one that is not there has ended already."""
    conn.execute(_end, {"token": token_hash})
