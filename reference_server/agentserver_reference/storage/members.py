"""The members of workspaces and their roles."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.violations import unique
from agentserver_reference.storage.tables import members, users

_this = (
    members.c.workspace_id == bindparam("of_workspace"),
    members.c.user_id == bindparam("of_user"),
)
_role = select(members.c.role).where(*_this)
_of_workspace = Query(
    select(members.c.user_id, users.c.email, members.c.role, users.c.picture)
    .join(users, users.c.id == members.c.user_id)
    .where(members.c.workspace_id == bindparam("workspace_id"))
    .order_by(members.c.created_at, members.c.sequence)
)
_membership = select(members.c.sequence, members.c.role).where(*_this)
_owners = select(members.c.user_id).where(
    members.c.workspace_id == bindparam("workspace_id"), members.c.role == "owner"
)
_add = insert(members)
_set_role = update(members).where(*_this).values(role=bindparam("new_role"))
_remove = delete(members).where(*_this)


def role_of(conn: Connection, workspace_id: str, user_id: str) -> str | None:
    """The member's role; None for a user who is not a member, and for an unknown workspace."""
    found = conn.execute(_role, {"of_workspace": workspace_id, "of_user": user_id})
    return found.scalar_one_or_none()


def membership_of(conn: Connection, workspace_id: str, user_id: str) -> tuple[int, str] | None:
    """The number of a membership, which no other ever has, and its role; None without one."""
    found = conn.execute(_membership, {"of_workspace": workspace_id, "of_user": user_id}).first()
    return None if found is None else (found[0], found[1])


def list_of(conn: Connection, workspace_id: str) -> list[Record]:
    """The members in the order in which they joined: user_id, email, role, picture."""
    return _of_workspace.all(conn, workspace_id=workspace_id)


def owners(conn: Connection, workspace_id: str) -> list[str]:
    """The user ids of the workspace's owners."""
    return list(conn.execute(_owners, {"workspace_id": workspace_id}).scalars())


def add(conn: Connection, *, workspace_id: str, user_id: str, role: str, now: datetime) -> None:
    """Make a user a member. Raises Conflict if the user is a member already."""
    with unique("already a workspace member"):
        conn.execute(
            _add,
            {
                "workspace_id": workspace_id,
                "user_id": user_id,
                "role": role,
                "created_at": timestamp(now),
            },
        )


def set_role(conn: Connection, workspace_id: str, user_id: str, role: str) -> bool:
    """Give a member another role; False if the user is not a member."""
    values = {"of_workspace": workspace_id, "of_user": user_id, "new_role": role}
    return conn.execute(_set_role, values).rowcount > 0


def remove(conn: Connection, workspace_id: str, user_id: str) -> None:
    """End a membership; one that is not there has ended already."""
    conn.execute(_remove, {"of_workspace": workspace_id, "of_user": user_id})
