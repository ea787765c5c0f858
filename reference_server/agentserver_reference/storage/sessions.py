"""Sessions: the user behind each token. Only the token's hash is stored."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, bindparam, delete, insert, select

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine import expiry
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import members, sessions, users


class SessionOwner(NamedTuple):
    """The user of a session, with the roles that the user has now."""

    user_id: str
    role: str
    workspace_role: str | None = None
    """In the workspace that was asked about."""


_lives = (
    sessions.c.token_hash == bindparam("token_hash"),
    sessions.c.expires_at > bindparam("now"),
)
_owner = (
    select(users.c.id, users.c.role).join(sessions, sessions.c.user_id == users.c.id).where(*_lives)
)
_owner_as_member = (
    select(users.c.id, users.c.role, members.c.role)
    .join(sessions, sessions.c.user_id == users.c.id)
    .outerjoin(
        members,
        and_(members.c.user_id == users.c.id, members.c.workspace_id == bindparam("workspace_id")),
    )
    .where(*_lives)
)
_add = insert(sessions)
_end = delete(sessions).where(sessions.c.token_hash == bindparam("token"))
_remove_expired = expiry.remove_expired(sessions.c.token_hash, sessions.c.expires_at)


def find_owner(conn: Connection, token_hash: str, now: datetime) -> SessionOwner | None:
    """Whose session this is; None for an unknown token and for one that has expired."""
    row = conn.execute(_owner, {"token_hash": token_hash, "now": timestamp(now)}).first()
    return None if row is None else SessionOwner(*row)


def find_owner_as_member(
    conn: Connection, token_hash: str, workspace_id: str, now: datetime
) -> SessionOwner | None:
    """Return the owner of a session, with the role in a workspace, in one statement."""
    values = {"token_hash": token_hash, "workspace_id": workspace_id, "now": timestamp(now)}
    row = conn.execute(_owner_as_member, values).first()
    return None if row is None else SessionOwner(*row)


def add(
    conn: Connection, *, token_hash: str, user_id: str, now: datetime, expires_at: datetime
) -> None:
    """Open a session."""
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


def remove_expired(conn: Connection, now: datetime, most: int) -> int:
    """Remove up to `most` sessions that have expired by `now`, the oldest first; how many it did.

    It waits for no lock: rows that another transaction is removing are left to that one.
    """
    return conn.execute(_remove_expired, {"now": timestamp(now), "most": most}).rowcount
