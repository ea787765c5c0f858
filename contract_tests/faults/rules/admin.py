"""What administrators see and change: accounts, all workspaces, all sandboxes."""

import msgspec
from replacing import fault
from sqlalchemy import delete, func, select, update

from agentserver_reference.domain.emails import email_key
from agentserver_reference.domain.errors import Conflict
from agentserver_reference.domain.roles import ADMIN
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage import members, tables, users

# --- accounts -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.users.list_all",
    kind="wrong-value",
    operations=["admin_list_users"],
)
def accounts_with_lowered_address(original, conn):
    """The list shows addresses in lower case."""
    return [row | {"email": email_key(row["email"])} for row in original(conn)]


@fault(
    replaces="agentserver_reference.storage.users.list_all",
    kind="list-incomplete",
    operations=["admin_list_users"],
)
def accounts_without_administrators(original, conn):
    """Administrators are missing from the list."""
    return [row for row in original(conn) if row["role"] != "admin"]


@fault(
    replaces="agentserver_reference.storage.users.list_all",
    kind="extra-field",
    operations=["admin_list_users"],
)
def accounts_with_password_hash(original, conn):
    """The list shows the password hash of every account."""
    table = tables.credentials
    hashes = dict(conn.execute(select(table.c.user_id, table.c.password_hash)).all())
    return [row | {"password_hash": hashes.get(row["id"])} for row in original(conn)]


@fault(
    replaces="agentserver_reference.domain.times.timestamp",
    kind="malformed-time",
    operations=["admin_list_users", "list_workspaces", "get_workspace"],
)
def accounts_with_local_time(original, moment):
    """Times have no time zone."""
    return original(moment).removesuffix("Z")


@fault(
    replaces="agentserver_reference.domain.roles.check_admin_stays",
    kind="rejects-legal-call",
    operations=["admin_update_user_role"],
)
def admin_none_may_go(original, admins, leaving):
    """One of two administrators cannot be demoted."""
    if leaving in admins:
        raise Conflict("the installation must keep an administrator")


@fault(
    replaces="agentserver_reference.storage.users.set_role",
    kind="role-granted-wrongly",
    operations=["admin_update_user_role"],
)
def admin_made_of_neighbours(original, conn, user_id, role, now):
    """Accounts with a greater id get the same role."""
    conn.execute(
        update(tables.users)
        .where(tables.users.c.id >= user_id)
        .values(role=role, updated_at=timestamp(now))
    )
    return users.find(conn, user_id) is not None


@fault(
    replaces="agentserver_reference.storage.users.set_role",
    kind="write-not-stored",
    operations=["admin_update_user_role"],
)
def admin_not_made(original, conn, user_id, role, now):
    """The new role of an account is not stored."""
    return users.find(conn, user_id) is not None


@fault(
    replaces="agentserver_reference.services.users.check_admin_stays",
    kind="last-one-may-go",
    operations=["admin_update_user_role"],
)
def admin_last_may_go(original, admins, leaving):
    """The last administrator can be demoted."""


@fault(
    replaces="agentserver_reference.storage.users.set_role",
    kind="missing-is-accepted",
    operations=["admin_update_user_role"],
)
def admin_of_nobody(original, conn, user_id, role, now):
    """Setting the role of an account that does not exist succeeds."""
    original(conn, user_id, role, now)
    return True


@fault(
    replaces="agentserver_reference.storage.users.set_role",
    kind="session-ends-wrongly",
    operations=["admin_update_user_role"],
)
def demotion_ends_sessions(original, conn, user_id, role, now):
    """An administrator who becomes a user is logged out."""
    if role != ADMIN:
        conn.execute(delete(tables.sessions).where(tables.sessions.c.user_id == user_id))
    return original(conn, user_id, role, now)


# --- all workspaces -------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.workspaces.list_all",
    kind="wrong-value",
    operations=["admin_list_workspaces"],
)
def workspaces_with_newest_owner(original, conn):
    """The newest owner is shown, not the oldest."""
    return [
        row | _as_owner(conn, owner)
        for row in original(conn)
        for owner in _members_of(conn, row["id"], tables.members.c.role == "owner")[-1:]
    ]


@fault(
    replaces="agentserver_reference.storage.workspaces.list_all",
    kind="wrong-value",
    operations=["admin_list_workspaces"],
)
def workspaces_with_any_member_as_owner(original, conn):
    """The oldest member is shown as owner, whatever their role."""
    return [
        row | _as_owner(conn, member)
        for row in original(conn)
        for member in _members_of(conn, row["id"])[:1]
    ]


@fault(
    replaces="agentserver_reference.storage.workspaces.list_all",
    kind="duplicate-accepted",
    operations=["admin_list_workspaces"],
)
def workspaces_one_row_an_owner(original, conn):
    """A workspace with two owners is listed twice."""
    return [
        row | _as_owner(conn, owner)
        for row in original(conn)
        for owner in members.owners(conn, row["id"])
    ]


@fault(
    replaces="agentserver_reference.storage.workspaces.list_all",
    kind="wrong-value",
    operations=["admin_list_workspaces"],
)
def workspaces_count_members(original, conn):
    """`sandbox_count` is the number of members."""
    of_workspace = tables.members.c.workspace_id
    count = select(of_workspace, func.count()).group_by(of_workspace)
    counts = dict(conn.execute(count).all())
    return [row | {"sandbox_count": counts.get(row["id"], 0)} for row in original(conn)]


def _members_of(conn, workspace_id, *conditions):
    """The ids of the members of a workspace, in the order in which they joined."""
    table = tables.members
    found = (
        select(table.c.user_id)
        .where(table.c.workspace_id == workspace_id, *conditions)
        .order_by(table.c.created_at, table.c.sequence)
    )
    return list(conn.execute(found).scalars())


def _as_owner(conn, user_id):
    account = users.find(conn, user_id)
    return {f"owner_{name}": account[name] for name in ("id", "email", "name", "picture")}


@fault(
    replaces="agentserver_reference.services.workspaces._with_owner",
    kind="limit-of-wrong-layer",
    operations=["admin_list_workspaces"],
)
def workspaces_without_override(original, row, default_max_sandboxes):
    """The default is shown although the workspace has an override."""
    return original(row, default_max_sandboxes) | {"max_sandboxes": default_max_sandboxes}


@fault(
    replaces="agentserver_reference.services.workspaces._with_owner",
    kind="zero-taken-for-nothing",
    operations=["admin_list_workspaces"],
)
def workspaces_ignore_zero(original, row, default_max_sandboxes):
    """An override of 0 is shown as the default."""
    return original(row | {"max_sandboxes": row["max_sandboxes"] or None}, default_max_sandboxes)


@fault(
    replaces="agentserver_reference.services.workspaces._with_owner",
    kind="fields-swapped",
    operations=["admin_list_workspaces"],
)
def workspaces_swap_times(original, row, default_max_sandboxes):
    """The times of creation and change are swapped."""
    swapped = {"created_at": row["updated_at"], "updated_at": row["created_at"]}
    return original(row | swapped, default_max_sandboxes)


@fault(
    replaces="agentserver_reference.services.workspaces._with_owner",
    kind="wrong-value",
    operations=["admin_list_workspaces"],
)
def workspaces_times_of_creation(original, row, default_max_sandboxes):
    """`updated_at` shows the time of creation."""
    return original(row | {"updated_at": row["created_at"]}, default_max_sandboxes)


@fault(
    replaces="agentserver_reference.services.workspaces._with_owner",
    kind="null-left-out",
    operations=["admin_list_workspaces"],
)
def workspaces_owner_without_picture(original, row, default_max_sandboxes):
    """Unknown fields of an owner are left out instead of null."""
    shown = original(row, default_max_sandboxes)
    owner = shown["owner"] or {}
    known = {name: value for name, value in owner.items() if value is not None}
    return shown | {"owner": known or None}


@fault(
    replaces="agentserver_reference.services.workspaces._with_owner",
    kind="wrong-value",
    operations=["admin_list_workspaces"],
)
def workspaces_owner_pictured_by_address(original, row, default_max_sandboxes):
    """An owner's e-mail address is shown as their picture."""
    return original(row | {"owner_picture": row["owner_email"]}, default_max_sandboxes)


# --- all sandboxes --------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.services.sandboxes.list_all",
    kind="null-where-not-allowed",
    operations=["admin_list_sandboxes"],
)
async def sandboxes_null_when_empty(original, work):
    """An empty list is null."""
    return await original(work) or msgspec.Raw(b"null")
