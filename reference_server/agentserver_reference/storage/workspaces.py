"""Workspaces."""

from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, select, update

from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.permissions import Permission, permitted
from agentserver_reference.storage.tables import (
    members,
    sandboxes,
    users,
    workspace_quotas,
    workspaces,
)

_shown = (
    workspaces.c.id,
    workspaces.c.name,
    workspaces.c.created_at,
    workspaces.c.updated_at,
)
_oldest_first = (workspaces.c.created_at, workspaces.c.sequence)
_this = workspaces.c.id == bindparam("workspace_id")

_by_id = Query(select(*_shown).where(_this))
_of_member = Query(
    select(*_shown)
    .join(members, members.c.workspace_id == workspaces.c.id)
    .where(members.c.user_id == bindparam("user_id"))
    .order_by(*_oldest_first)
)
_with_role_of = Query(
    select(workspaces.c.id, workspaces.c.name, members.c.role)
    .join(members, members.c.workspace_id == workspaces.c.id)
    .where(members.c.user_id == bindparam("user_id"))
    .order_by(*_oldest_first)
)
_oldest_owner = (
    select(members.c.user_id)
    .where(members.c.workspace_id == workspaces.c.id, members.c.role == "owner")
    .order_by(members.c.created_at, members.c.sequence)
    .limit(1)
    .correlate(workspaces)
    .scalar_subquery()
)
_sandbox_count = (
    select(func.count())
    .where(sandboxes.c.workspace_id == workspaces.c.id)
    .correlate(workspaces)
    .scalar_subquery()
)
_all = Query(
    select(
        *_shown,
        users.c.id.label("owner_id"),
        users.c.email.label("owner_email"),
        users.c.name.label("owner_name"),
        users.c.picture.label("owner_picture"),
        _sandbox_count.label("sandbox_count"),
        workspace_quotas.c.max_sandboxes,
    )
    .select_from(workspaces)
    .outerjoin(users, users.c.id == _oldest_owner)
    .outerjoin(workspace_quotas, workspace_quotas.c.workspace_id == workspaces.c.id)
    .order_by(*_oldest_first)
)
_exists = select(workspaces.c.id).where(_this)
_add = insert(workspaces)
_new_name = (
    update(workspaces)
    .values(name=bindparam("new_name"), updated_at=bindparam("now"))
    .returning(*_shown)
)
_rename = Query(_new_name.where(_this))
_rename_permitted = Query(_new_name.where(workspaces.c.id == permitted.c.id))
_remove = delete(workspaces).where(_this)


def find(conn: Connection, workspace_id: str) -> Record | None:
    """id, name, created_at and updated_at of a workspace."""
    return _by_id.first(conn, workspace_id=workspace_id)


def list_of_member(conn: Connection, user_id: str) -> list[Record]:
    """The workspaces that a user belongs to, oldest first."""
    return _of_member.all(conn, user_id=user_id)


def list_with_role_of(conn: Connection, user_id: str) -> list[Record]:
    """The id and name of each workspace of a user, with the user's role, oldest first."""
    return _with_role_of.all(conn, user_id=user_id)


def list_all(conn: Connection) -> list[Record]:
    """Every workspace once, oldest first, with its oldest owner (owner_id, owner_email,
    owner_name, owner_picture; null if it has no owner), sandbox_count, and the override
    max_sandboxes or null.
    """
    return _all.all(conn)


def check_exists(conn: Connection, workspace_id: str) -> None:
    """Raise NotFound if there is no such workspace."""
    if conn.execute(_exists, {"workspace_id": workspace_id}).first() is None:
        raise NotFound("workspace not found")


def add(conn: Connection, *, workspace_id: str, name: str, now: datetime) -> Record:
    """Add a workspace, without members yet."""
    record = {
        "id": workspace_id,
        "name": name,
        "created_at": timestamp(now),
        "updated_at": timestamp(now),
    }
    conn.execute(_add, record)
    return record


def rename(
    conn: Connection, permission: Permission | None, workspace_id: str, name: str, now: datetime
) -> Record | None:
    """Give a workspace another name; the workspace as it is then, if there is one.

    With a permission, it is renamed only if the permission is as it was.
    """
    values = {"workspace_id": workspace_id, "new_name": name, "now": timestamp(now)}
    if permission is None:
        return _rename.first(conn, **values)
    return _rename_permitted.first(conn, **values, **permission)


def remove(conn: Connection, workspace_id: str) -> None:
    """Remove a workspace and everything that belongs to it."""
    conn.execute(_remove, {"workspace_id": workspace_id})
