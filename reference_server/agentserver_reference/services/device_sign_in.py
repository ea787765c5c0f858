"""What a person does about an agent's request to be signed in: look at it, approve it, deny it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import attrs

from agentserver_reference.domain.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from agentserver_reference.domain.oauth import (
    APPROVED,
    DENIED,
    PENDING,
    WRONG_CODES,
    WRONG_CODES_WINDOW,
    scopes_of,
    typed_code,
)
from agentserver_reference.domain.roles import may_register_agents
from agentserver_reference.domain.times import timestamp
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import (
    device_codes,
    members,
    oauth_grants,
    sessions,
    users,
    workspaces,
    wrong_codes,
)
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

EXPIRED_BATCH = 500
"""How many expired rows one transaction removes, so that no other waits for it long."""


@attrs.frozen
class Request:
    """A request to be signed in, as a person is shown it."""

    code: str
    scopes: list[str]


async def account_of(work: UnitOfWork, session: str | None) -> Record | None:
    """Return the account of a session; None without a valid session."""
    if session is None:
        return None
    return await work.read(_account_of, session, work.context.clock())


def _account_of(conn: Connection, session: str, now: datetime) -> Record | None:
    owner = sessions.find_owner(conn, token_hash(session), now)
    return None if owner is None else users.find(conn, owner.user_id)


async def workspaces_of(work: UnitOfWork, user_id: str) -> list[Record]:
    """Return the workspaces in which a user may let agents in, oldest first."""
    return await work.read(_workspaces_of, user_id)


def _workspaces_of(conn: Connection, user_id: str) -> list[Record]:
    return [
        each
        for each in workspaces.list_with_role_of(conn, user_id)
        if may_register_agents(each["role"])
    ]


async def find(work: UnitOfWork, session: str, typed: str) -> Request:
    """Return the undecided request with a code, however it was typed.

    Raises:
        NotFound: there is none; this counts against the session.
        Conflict: it is decided already, or has expired.
        TooManyRequests: too many wrong codes were typed in this session.
    """
    now = work.context.clock()
    row = await work.write(Lock(), _find, token_hash(session), typed, now)
    if row is None:
        raise NotFound("There is no request with this code.")
    _check_undecided(row, now)
    return Request(str(typed_code(typed)), scopes_of(row["scope"]))


def _find(conn: Connection, session_hash: str, typed: str, now: datetime) -> Record | None:
    if not wrong_codes.lock(conn, session_hash):
        raise Unauthenticated("You are not signed in any more.")
    if wrong_codes.count(conn, session_hash, now) >= WRONG_CODES:
        wait = int(WRONG_CODES_WINDOW.total_seconds())
        raise TooManyRequests("Too many wrong codes. Try again in 15 minutes.", wait)
    code = typed_code(typed)
    row = None if code is None else device_codes.find_by_user_code(conn, token_hash(code))
    if row is None:
        wrong_codes.add(conn, session_hash, now)
    return row


def _check_undecided(row: Record, now: datetime) -> None:
    if row["status"] != PENDING:
        raise Conflict("This code has been used already.")
    if row["expires_at"] <= timestamp(now):
        raise Conflict("This code has expired. Start the program again to get another one.")


async def approve(work: UnitOfWork, session: str, typed: str, workspace_id: str) -> None:
    """Approve a request for one workspace.

    Raises:
        Unauthenticated: the session has ended.
        Forbidden: its user may not let agents into this workspace.
        BadRequest: no workspace is named.
        NotFound, Conflict, TooManyRequests: as `find`.
    """
    if not workspace_id:
        raise BadRequest("Choose a workspace.")
    request = await find(work, session, typed)
    await work.write(
        Lock(), _approve, token_hash(session), request.code, workspace_id, work.context.clock()
    )


def _approve(
    conn: Connection, session_hash: str, code: str, workspace_id: str, now: datetime
) -> None:
    # Not by `work.write`, for which a workspace that does not exist would be another refusal than
    # one that the user is no member of.
    missing = Lock(workspace=workspace_id).take(conn)
    user_id = _user_of(conn, session_hash, now)
    if missing or not may_register_agents(members.role_of(conn, workspace_id, user_id)):
        raise Forbidden("You may not let agents into this workspace.")
    _decide(conn, code, APPROVED, user_id, workspace_id, now)


async def deny(work: UnitOfWork, session: str, typed: str) -> None:
    """Deny a request.

    Raises:
        Unauthenticated: the session has ended.
        NotFound, Conflict, TooManyRequests: as `find`.
    """
    request = await find(work, session, typed)
    await work.write(Lock(), _deny, token_hash(session), request.code, work.context.clock())


def _deny(conn: Connection, session_hash: str, code: str, now: datetime) -> None:
    _decide(conn, code, DENIED, _user_of(conn, session_hash, now), None, now)


def _user_of(conn: Connection, session_hash: str, now: datetime) -> str:
    owner = sessions.find_owner(conn, session_hash, now)
    if owner is None:
        raise Unauthenticated("You are not signed in any more.")
    return owner.user_id


def _decide(
    conn: Connection, code: str, state: str, user_id: str, workspace_id: str | None, now: datetime
) -> None:
    hashed = token_hash(code)
    decided = device_codes.decide(
        conn, hashed, state, user_id=user_id, workspace_id=workspace_id, now=now
    )
    if not decided:
        row = device_codes.find_by_user_code(conn, hashed)
        if row is None:
            raise NotFound("There is no request with this code.")
        _check_undecided(row, now)


async def remove_expired(work: UnitOfWork) -> int:
    """Remove the requests, grants and tokens that have expired; how many it were."""
    now = work.context.clock()
    removed = 0
    for remove in (device_codes.remove_expired, oauth_grants.remove_expired):
        while batch := await work.write(Lock(), remove, now, EXPIRED_BATCH):
            removed += batch
            await asyncio.sleep(0)  # SQLite runs on the event loop: let requests in between
    return removed
