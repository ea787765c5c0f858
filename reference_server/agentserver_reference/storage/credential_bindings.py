"""Credentials of workspaces; what proves who the user is, is stored encrypted."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from agentserver_reference.domain.times import precise_timestamp, timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import PLACE, credential_bindings

SECRET_COLUMN: str = credential_bindings.c.secret_encrypted.info[PLACE]
"""The place to which the cipher binds the secret, together with the credential's id."""

_c = credential_bindings.c
_of_kind = (_c.workspace_id == bindparam("owner"), _c.kind == bindparam("of_kind"))
_this = (_c.id == bindparam("binding_id"), *_of_kind)
_all = Query(
    select(
        _c.id,
        _c.display_name,
        _c.server_url,
        _c.auth_type,
        _c.public_meta,
        _c.is_default,
        _c.created_at,
    )
    .where(*_of_kind)
    .order_by(_c.created_at, _c.sequence)
)
_count = select(func.count()).select_from(credential_bindings).where(*_of_kind)
_find = Query(select(_c.id, _c.display_name, _c.is_default).where(*_this))
_find_whole = Query(select(credential_bindings).where(*_this))
_named = Query(select(_c.id).where(*_of_kind, _c.display_name == bindparam("name")))
_add = insert(credential_bindings)
_rename = (
    update(credential_bindings)
    .where(*_this)
    .values(display_name=bindparam("name"), updated_at=bindparam("now"))
)
_unset_default = (
    update(credential_bindings)
    .where(*_of_kind, _c.is_default)
    .values(is_default=False, updated_at=bindparam("now"))
)
_set_default = (
    update(credential_bindings).where(*_this).values(is_default=True, updated_at=bindparam("now"))
)
_remove = delete(credential_bindings).where(*_this)
_claim = (
    update(credential_bindings)
    .where(
        _c.id == bindparam("binding_id"),
        _c.secret_encrypted == bindparam("seen"),
        (_c.refreshing_until.is_(None)) | (_c.refreshing_until <= bindparam("now")),
    )
    .values(refreshing_until=bindparam("until"))
)
_of_claim = (_c.id == bindparam("binding_id"), _c.refreshing_until == bindparam("claim"))
_renew = (
    update(credential_bindings)
    .where(*_of_claim)
    .values(
        secret_encrypted=bindparam("secret"), refreshing_until=None, updated_at=bindparam("now")
    )
)
_release = update(credential_bindings).where(*_of_claim).values(refreshing_until=None)


def list_of(conn: Connection, workspace_id: str, kind: str) -> list[Record]:
    """The credentials of a kind that a workspace has, the oldest first, without secrets."""
    return _all.all(conn, owner=workspace_id, of_kind=kind)


def count(conn: Connection, workspace_id: str, kind: str) -> int:
    """How many credentials of a kind a workspace has."""
    found: int = conn.execute(_count, {"owner": workspace_id, "of_kind": kind}).scalar_one()
    return found


def find(conn: Connection, workspace_id: str, kind: str, binding_id: str) -> Record | None:
    """id, display_name and is_default; None if the workspace has no such credential."""
    return _find.first(conn, owner=workspace_id, of_kind=kind, binding_id=binding_id)


def find_whole(conn: Connection, workspace_id: str, kind: str, binding_id: str) -> Record | None:
    """A credential with its secret, encrypted; None if the workspace has no such credential."""
    return _find_whole.first(conn, owner=workspace_id, of_kind=kind, binding_id=binding_id)


def is_named(conn: Connection, workspace_id: str, kind: str, name: str) -> bool:
    """Whether a credential of a kind has this name in a workspace, which is locked."""
    return _named.first(conn, owner=workspace_id, of_kind=kind, name=name) is not None


def add(
    conn: Connection,
    workspace_id: str,
    kind: str,
    *,
    shown: Mapping[str, object],
    secret_encrypted: str,
    now: datetime,
) -> None:
    """Add a credential to a workspace, which is locked."""
    at = timestamp(now)
    conn.execute(
        _add,
        {
            **shown,
            "workspace_id": workspace_id,
            "kind": kind,
            "secret_encrypted": secret_encrypted,
            "created_at": at,
            "updated_at": at,
        },
    )


def rename(
    conn: Connection, workspace_id: str, kind: str, binding_id: str, name: str, now: datetime
) -> None:
    """Rename a credential of a workspace, which is locked."""
    conn.execute(
        _rename,
        {
            "owner": workspace_id,
            "of_kind": kind,
            "binding_id": binding_id,
            "name": name,
            "now": timestamp(now),
        },
    )


def set_default(
    conn: Connection, workspace_id: str, kind: str, binding_id: str, now: datetime
) -> None:
    """Make an existing credential the only default of its kind in a workspace, which is locked."""
    of_kind = {"owner": workspace_id, "of_kind": kind, "now": timestamp(now)}
    conn.execute(_unset_default, of_kind)
    conn.execute(_set_default, {**of_kind, "binding_id": binding_id})


def remove(conn: Connection, workspace_id: str, kind: str, binding_id: str) -> None:
    """Remove a credential of a workspace."""
    conn.execute(_remove, {"owner": workspace_id, "of_kind": kind, "binding_id": binding_id})


def claim(
    conn: Connection, binding_id: str, *, seen: str, until: datetime, now: datetime
) -> str | None:
    """Claim to renew a secret; the claim, or None if another request has, or it was replaced."""
    claimed = precise_timestamp(until)
    values = {
        "binding_id": binding_id,
        "seen": seen,
        "until": claimed,
        "now": precise_timestamp(now),
    }
    return claimed if conn.execute(_claim, values).rowcount > 0 else None


def renew(
    conn: Connection, binding_id: str, claim: str, secret_encrypted: str, now: datetime
) -> None:
    """Keep a new secret, and end the claim, unless it has ended before."""
    values = {
        "binding_id": binding_id,
        "claim": claim,
        "secret": secret_encrypted,
        "now": timestamp(now),
    }
    conn.execute(_renew, values)


def release(conn: Connection, binding_id: str, claim: str) -> None:
    """End a claim without a new secret."""
    conn.execute(_release, {"binding_id": binding_id, "claim": claim})
