"""Codex tokens: what a person's `codex --remote` opens a workspace with."""

from contextlib import suppress
from datetime import datetime

from agentserver_reference.domain import codex_tokens as domain
from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.times import timestamp
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import codex_tokens, members
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock


async def list_of_workspace(
    work: UnitOfWork, workspace_id: str, *, with_revoked: bool
) -> list[Record]:
    """Return the tokens of all members, newest first, without the times that are unset."""
    rows = await work.read(codex_tokens.list_of, workspace_id)
    return [
        {name: value for name, value in row.items() if value is not None}
        | {"revoked": row["revoked_at"] is not None}
        for row in rows
        if with_revoked or row["revoked_at"] is None
    ]


async def mint(
    work: UnitOfWork, workspace_id: str, user_id: str, name: str, days: int | None
) -> Record:
    """Make a token for a member, and return it. Raises Conflict if there are too many."""
    context = work.context
    token, now = domain.new_codex_token(context.tokens(), context.tokens()), context.clock()
    token_id, expires_at = domain.id_of(token), domain.expiry(now, days)
    await work.write(
        # With the lock, simultaneous calls cannot exceed the limit.
        Lock(workspace=workspace_id),
        _add,
        workspace_id,
        token_id,
        user_id,
        name,
        token_hash(token),
        now,
        expires_at,
    )
    return {
        "id": token_id,
        "token": token,
        "name": name,
        "workspace_id": workspace_id,
        "expires_at": timestamp(expires_at),
        "created_at": timestamp(now),
    }


def _add(
    conn: Connection,
    workspace_id: str,
    token_id: str,
    user_id: str,
    name: str,
    token_hash: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    domain.check_room(codex_tokens.count_valid(conn, workspace_id, now))
    codex_tokens.add(
        conn,
        token_id=token_id,
        workspace_id=workspace_id,
        user_id=user_id,
        name=name,
        token_hash=token_hash,
        now=now,
        expires_at=expires_at,
    )


async def revoke(work: UnitOfWork, user_id: str, token_id: str) -> None:
    """Revoke a token, if there is one, on behalf of its owner or a manager of its workspace.

    Raises Forbidden for anybody else.
    """
    found = await work.read(codex_tokens.find, token_id)
    if found is not None:
        lock = Lock(workspace=found["workspace_id"])
        with suppress(NotFound):  # the workspace is deleted, and the token with it
            await work.write(lock, _revoke, user_id, found, work.context.clock())


def _revoke(conn: Connection, user_id: str, token: Record, now: datetime) -> None:
    role = members.role_of(conn, token["workspace_id"], user_id)
    domain.check_may_revoke(token["user_id"] == user_id, role)
    codex_tokens.revoke(conn, token["id"], now)
