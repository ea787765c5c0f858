"""Codex tokens. Only a token's hash is stored."""

from datetime import datetime

from sqlalchemy import and_, bindparam, func, insert, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import codex_tokens, members
from agentserver_reference.storage.uses import Uses

USES = Uses(codex_tokens)
"""When the tokens were last used."""

_c = codex_tokens.c
_of_workspace = Query(
    select(
        _c.id,
        _c.name,
        _c.workspace_id,
        _c.created_at,
        _c.expires_at,
        _c.last_used_at,
        _c.revoked_at,
    )
    .where(_c.workspace_id == bindparam("owner"))
    .order_by(_c.created_at.desc(), _c.sequence.desc())
)
_find = Query(select(_c.id, _c.workspace_id, _c.user_id).where(_c.id == bindparam("token_id")))
is_valid = (_c.revoked_at.is_(None), _c.expires_at > bindparam("now"))
"""Of tokens: neither revoked nor expired."""

_valid_count = (
    select(func.count())
    .select_from(codex_tokens)
    .where(_c.workspace_id == bindparam("owner"), *is_valid)
)
# Who has left has no token here, whatever its row says.
of_member = and_(members.c.workspace_id == _c.workspace_id, members.c.user_id == _c.user_id)
"""Of tokens and members: the owner of the token is this member."""

_valid = Query(
    select(_c.id, _c.workspace_id, _c.user_id, members.c.role, _c.last_used_at)
    .join(members, of_member)
    .where(_c.token_hash == bindparam("hashed"), *is_valid)
)
_is_valid = select(_c.id).join(members, of_member).where(_c.id == bindparam("token_id"), *is_valid)
_add = insert(codex_tokens)
_revoke = (
    update(codex_tokens)
    .where(_c.id == bindparam("token_id"), _c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_revoke_of_member = (
    update(codex_tokens)
    .where(
        _c.workspace_id == bindparam("owner"),
        _c.user_id == bindparam("member"),
        _c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now"))
)


def list_of(conn: Connection, workspace_id: str) -> list[Record]:
    """The tokens of all members of a workspace, newest first, those that have ended included."""
    return _of_workspace.all(conn, owner=workspace_id)


def find(conn: Connection, token_id: str) -> Record | None:
    """id, workspace_id and user_id of a token, also of one that has ended."""
    return _find.first(conn, token_id=token_id)


def count_valid(conn: Connection, workspace_id: str, now: datetime) -> int:
    """How many tokens of a workspace are neither revoked nor expired."""
    values = {"owner": workspace_id, "now": timestamp(now)}
    count: int = conn.execute(_valid_count, values).scalar_one()
    return count


def add(
    conn: Connection,
    *,
    token_id: str,
    workspace_id: str,
    user_id: str,
    name: str,
    token_hash: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Add a token to a workspace, which is locked."""
    conn.execute(
        _add,
        {
            "id": token_id,
            "workspace_id": workspace_id,
            "user_id": user_id,
            "name": name,
            "token_hash": token_hash,
            "created_at": timestamp(now),
            "expires_at": timestamp(expires_at),
        },
    )


def revoke(conn: Connection, token_id: str, now: datetime) -> None:
    """Revoke a token; one that is revoked already keeps its time."""
    conn.execute(_revoke, {"token_id": token_id, "now": timestamp(now)})


def revoke_of_member(conn: Connection, workspace_id: str, user_id: str, now: datetime) -> None:
    """Revoke all tokens that a user has in a workspace, which is locked."""
    values = {"owner": workspace_id, "member": user_id, "now": timestamp(now)}
    conn.execute(_revoke_of_member, values)


def find_valid(conn: Connection, token_hash: str, now: datetime) -> Record | None:
    """id, workspace_id, user_id, role and last_used_at of a token; None if it is not valid now.

    The role is what its owner has in the workspace.
    """
    return _valid.first(conn, hashed=token_hash, now=timestamp(now))


def is_valid_now(conn: Connection, token_id: str, now: datetime) -> bool:
    """Whether the token with this id is valid now."""
    values = {"token_id": token_id, "now": timestamp(now)}
    return conn.execute(_is_valid, values).first() is not None
