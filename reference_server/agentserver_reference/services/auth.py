"""Accounts and sessions."""

import asyncio
from datetime import datetime

from agentserver_reference.domain.emails import trimmed
from agentserver_reference.domain.errors import Unauthenticated
from agentserver_reference.domain.roles import ADMIN, USER
from agentserver_reference.domain.sessions import LIFETIME
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services import workspaces
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import sessions, users
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

FIRST_WORKSPACE = "Default workspace"

EXPIRED_BATCH = 500
"""How many expired sessions one transaction removes, so that no other waits for it long."""


async def register(work: UnitOfWork, email: str, password: str) -> Record:
    """Create an account with a password, and its first workspace, which no quota prevents."""
    context = work.context
    email = trimmed(email)
    password_hash = await context.passwords.hash(password)
    user_id, workspace_id = context.ids(), context.ids()
    # With the lock, only one of several simultaneous first registrations becomes administrator.
    lock = Lock(installation=True)
    await work.write(lock, _register, user_id, workspace_id, email, password_hash, context.clock())
    return {"id": user_id, "email": email}


def _register(
    conn: Connection,
    user_id: str,
    workspace_id: str,
    email: str,
    password_hash: str,
    now: datetime,
) -> None:
    role = first_role(conn)
    users.add(conn, user_id=user_id, email=email, password_hash=password_hash, role=role, now=now)
    workspaces.add_owned(conn, workspace_id, user_id, FIRST_WORKSPACE, now)


def first_role(conn: Connection) -> str:
    """Return the role of a new account: the first account is the administrator."""
    return USER if users.exist(conn) else ADMIN


async def open_session(work: UnitOfWork, email: str, password: str) -> str:
    """Check an e-mail address and password, and return the token of a new session.

    Raises Unauthenticated, after the same time, whether the password is wrong or there is no such
    account.
    """
    context = work.context
    account = await work.read(users.find_credential, email)
    stored = account["password_hash"] if account else None
    if not await context.passwords.verify(password, stored) or not account:
        raise Unauthenticated("invalid credentials")
    outdated = context.passwords.outdated(account["password_hash"])
    renewed = await context.passwords.hash(password) if outdated else None
    token = context.tokens()
    await work.write(Lock(), _open_session, account["id"], token, renewed, context.clock())
    return token


async def open_session_for(work: UnitOfWork, user_id: str) -> str:
    """Return the token of a new session of an account, for what the server itself does as it."""
    token = work.context.tokens()
    await work.write(Lock(), _open_session, user_id, token, None, work.context.clock())
    return token


def _open_session(
    conn: Connection, user_id: str, token: str, renewed_hash: str | None, now: datetime
) -> None:
    if renewed_hash is not None:
        users.set_password_hash(conn, user_id, renewed_hash)
    sessions.add(
        conn,
        token_hash=token_hash(token),
        user_id=user_id,
        now=now,
        expires_at=now + LIFETIME,
    )


async def end_session(work: UnitOfWork, token: str) -> None:
    """Delete a session, if it exists."""
    await work.write(Lock(), sessions.end, token_hash(token))


async def remove_expired_sessions(work: UnitOfWork) -> int:
    """Remove every session that has expired; how many it were.

    An expired session authorises nothing, removed or not.
    """
    now = work.context.clock()
    removed = 0
    while batch := await work.write(Lock(), sessions.remove_expired, now, EXPIRED_BATCH):
        removed += batch
        await asyncio.sleep(0)  # SQLite runs on the event loop: let requests in between
    return removed


async def account(work: UnitOfWork, user_id: str) -> Record:
    """Return a user's own account."""
    found = await work.read(users.find, user_id)
    if found is None:
        raise Unauthenticated("unauthorized")
    # An external login may have stored empty strings for unknown values.
    unset = {field: found[field] or None for field in ("name", "picture")}
    return found | unset
