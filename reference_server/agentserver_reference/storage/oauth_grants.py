"""Grants, which people approved, and the tokens of each. Only hashes of tokens are stored."""

from datetime import datetime

from sqlalchemy import and_, bindparam, delete, insert, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine import expiry
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.violations import referenced
from agentserver_reference.storage.tables import members, oauth_grants, oauth_tokens, users

ACCESS, REFRESH = "access", "refresh"

_g, _t = oauth_grants.c, oauth_tokens.c
_this = _t.token_hash == bindparam("hashed")
_find = Query(
    select(
        _t.token_hash,
        _t.kind,
        _t.scope,
        _t.used_at,
        _t.expires_at,
        _t.grant_id,
        _g.client_id,
        _g.workspace_id,
        _g.user_id,
        _g.scope.label("granted_scope"),
    )
    .join(oauth_grants, _g.id == _t.grant_id)
    .where(_this)
)
_holder = Query(
    select(
        users.c.id.label("user_id"),
        users.c.role,
        _t.scope,
        _g.workspace_id,
        members.c.role.label("workspace_role"),
    )
    .select_from(oauth_tokens)
    .join(oauth_grants, _g.id == _t.grant_id)
    .join(users, users.c.id == _g.user_id)
    .join(
        members,
        and_(members.c.workspace_id == _g.workspace_id, members.c.user_id == _g.user_id),
    )
    .where(_this, _t.kind == ACCESS, _t.expires_at > bindparam("now"))
)
_add = insert(oauth_grants)
_add_token = insert(oauth_tokens)
_use = (
    update(oauth_tokens)
    .where(_this, _t.kind == REFRESH, _t.used_at.is_(None), _t.expires_at > bindparam("now"))
    .values(used_at=bindparam("now"))
)
_extend = (
    update(oauth_grants).where(_g.id == bindparam("grant_id")).values(expires_at=bindparam("until"))
)
_remove = delete(oauth_grants).where(_g.id == bindparam("grant_id"))
_remove_token = delete(oauth_tokens).where(_this)
_remove_of_member = delete(oauth_grants).where(
    _g.workspace_id == bindparam("of_workspace"), _g.user_id == bindparam("of_user")
)
_remove_expired = expiry.remove_expired(_g.id, _g.expires_at)
_remove_expired_tokens = expiry.remove_expired(_t.token_hash, _t.expires_at)


def add(
    conn: Connection,
    *,
    grant_id: str,
    client_id: str,
    workspace_id: str,
    user_id: str,
    scope: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep what a member has approved. Raises NotFound if the membership has ended."""
    with referenced("the membership has ended"):
        conn.execute(
            _add,
            {
                "id": grant_id,
                "client_id": client_id,
                "workspace_id": workspace_id,
                "user_id": user_id,
                "scope": scope,
                "created_at": timestamp(now),
                "expires_at": timestamp(expires_at),
            },
        )


def add_token(
    conn: Connection,
    *,
    token_hash: str,
    grant_id: str,
    kind: str,
    scope: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep a token of a grant."""
    conn.execute(
        _add_token,
        {
            "token_hash": token_hash,
            "grant_id": grant_id,
            "kind": kind,
            "scope": scope,
            "created_at": timestamp(now),
            "expires_at": timestamp(expires_at),
        },
    )


def find(conn: Connection, token_hash: str) -> Record | None:
    """A token with its grant, whether or not it has expired or was used."""
    return _find.first(conn, hashed=token_hash)


def find_holder(conn: Connection, token_hash: str, now: datetime) -> Record | None:
    """The user whom a living access token stands for, and the role in its workspace."""
    return _holder.first(conn, hashed=token_hash, now=timestamp(now))


def use(conn: Connection, token_hash: str, now: datetime) -> bool:
    """Use a refresh token up; False if it was used before, or has expired."""
    return conn.execute(_use, {"hashed": token_hash, "now": timestamp(now)}).rowcount > 0


def extend(conn: Connection, grant_id: str, until: datetime) -> None:
    """Let a grant live until then."""
    conn.execute(_extend, {"grant_id": grant_id, "until": timestamp(until)})


def remove(conn: Connection, grant_id: str) -> None:
    """End a grant and all of its tokens."""
    conn.execute(_remove, {"grant_id": grant_id})


def remove_token(conn: Connection, token_hash: str) -> None:
    """End one token."""
    conn.execute(_remove_token, {"hashed": token_hash})


def remove_of_member(conn: Connection, workspace_id: str, user_id: str) -> None:
    """End what a member has approved in a workspace."""
    conn.execute(_remove_of_member, {"of_workspace": workspace_id, "of_user": user_id})


def remove_expired(conn: Connection, now: datetime, most: int) -> int:
    """Remove up to `most` grants, and as many tokens, that have expired; how many it did."""
    values = {"now": timestamp(now), "most": most}
    tokens = conn.execute(_remove_expired_tokens, values).rowcount
    return tokens + conn.execute(_remove_expired, values).rowcount
