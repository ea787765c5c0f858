"""Members of workspaces, and their roles."""

from contextlib import nullcontext

from replacing import fault
from sqlalchemy import delete, select, update

from agentserver_reference.domain.errors import BadRequest, Conflict, NotFound
from agentserver_reference.domain.roles import DEFAULT_ROLE
from agentserver_reference.storage import members, quotas, tables, users

_of = tables.members.c

# --- lists ----------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.members.list_of",
    kind="wrong-order",
    operations=["list_workspace_members"],
)
def members_by_address(original, conn, workspace_id):
    """Members are sorted by address, not by when they joined."""
    return sorted(original(conn, workspace_id), key=lambda row: row["email"])


@fault(
    replaces="agentserver_reference.storage.members.list_of",
    kind="wrong-order",
    operations=["list_workspace_members"],
)
def members_by_account(original, conn, workspace_id):
    """Members are sorted by the age of their accounts."""
    order = list(
        conn.execute(select(tables.users.c.id).order_by(tables.users.c.sequence)).scalars()
    )
    return sorted(original(conn, workspace_id), key=lambda row: order.index(row["user_id"]))


@fault(
    replaces="agentserver_reference.storage.members.list_of",
    kind="list-incomplete",
    operations=["list_workspace_members"],
)
def members_cut_at_three(original, conn, workspace_id):
    """Only the first three members are shown."""
    return original(conn, workspace_id)[:3]


@fault(
    replaces="agentserver_reference.storage.members.list_of",
    kind="value-out-of-range",
    operations=["list_workspace_members"],
)
def members_with_role_of_account(original, conn, workspace_id):
    """The account's role is shown instead of the role in the workspace."""
    rows = original(conn, workspace_id)
    return [row | {"role": users.find(conn, row["user_id"])["role"]} for row in rows]


@fault(
    replaces="agentserver_reference.storage.members.list_of",
    kind="rows-of-others-in-list",
    operations=["list_workspace_members"],
)
def members_of_all_workspaces(original, conn, workspace_id):
    """Members of other workspaces are listed."""
    later = select(_of.workspace_id).where(_of.workspace_id > workspace_id)
    others = dict.fromkeys(conn.execute(later).scalars())
    return [row for each in (workspace_id, *others) for row in original(conn, each)]


@fault(
    replaces="agentserver_reference.storage.members.list_of",
    kind="wrong-value",
    operations=["list_workspace_members"],
)
def members_pictured_by_address(original, conn, workspace_id):
    """A member's e-mail address is shown as their picture."""
    return [row | {"picture": row["email"]} for row in original(conn, workspace_id)]


# --- adding ---------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.roles.DEFAULT_ROLE",
    kind="wrong-value",
    operations=["add_workspace_member"],
)
def add_as_guest(original):
    """The default role of a new member is guest."""
    return "guest"


@fault(
    replaces="agentserver_reference.domain.roles.check_may_give",
    kind="role-too-low",
    operations=["add_workspace_member"],
)
def add_owner_by_maintainers(original, caller_role, role):
    """Maintainers can add owners."""


@fault(
    replaces="agentserver_reference.storage.members.unique",
    kind="conflict-is-server-error",
    operations=["add_workspace_member"],
)
def add_again_is_500(original, line):
    """Adding a member again is a server error."""
    return nullcontext()


@fault(
    replaces="agentserver_reference.services.members.add",
    kind="undocumented-status",
    operations=["add_workspace_member"],
)
async def add_unknown_is_400(original, work, workspace_id, caller_id, email, role):
    """An address without an account is refused with 400."""
    try:
        return await original(work, workspace_id, caller_id, email, role)
    except NotFound:
        raise BadRequest("user not found") from None


@fault(
    replaces="agentserver_reference.storage.members.add",
    kind="duplicate-accepted",
    operations=["add_workspace_member"],
)
def add_again_replaces(original, conn, *, workspace_id, user_id, role, now):
    """Adding a member again replaces the membership."""
    members.remove(conn, workspace_id, user_id)
    original(conn, workspace_id=workspace_id, user_id=user_id, role=role, now=now)


@fault(
    replaces="agentserver_reference.services.members._add",
    kind="write-not-stored",
    operations=["add_workspace_member"],
)
def add_stores_default_role(original, conn, workspace_id, caller_id, email, role, now):
    """The answer shows the given role, but the default role is stored."""
    added = original(conn, workspace_id, caller_id, email, role, now)
    members.set_role(conn, workspace_id, added["user_id"], DEFAULT_ROLE)
    return added


@fault(
    replaces="agentserver_reference.services.members._add",
    kind="wrong-value",
    operations=["add_workspace_member"],
)
def add_shows_address_as_typed(original, conn, workspace_id, caller_id, email, role, now):
    """The answer shows the address of the request, not the account's."""
    return original(conn, workspace_id, caller_id, email, role, now) | {"email": email}


# --- roles ----------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.members.set_role",
    kind="wrong-object-touched",
    operations=["update_workspace_member_role"],
)
def add_makes_owner_of_workspace_of_others(original, conn, workspace_id, user_id, role):
    """The role is set in other workspaces as well."""
    conn.execute(
        update(tables.members)
        .where(_of.workspace_id >= workspace_id, _of.user_id == user_id)
        .values(role=role)
    )
    return members.role_of(conn, workspace_id, user_id) is not None


@fault(
    replaces="agentserver_reference.storage.members.set_role",
    kind="wrong-object-touched",
    operations=["update_workspace_member_role"],
)
def role_given_to_neighbours(original, conn, workspace_id, user_id, role):
    """Members with a greater id get the same role."""
    conn.execute(
        update(tables.members)
        .where(_of.workspace_id == workspace_id, _of.user_id >= user_id)
        .values(role=role)
    )
    return members.role_of(conn, workspace_id, user_id) is not None


@fault(
    replaces="agentserver_reference.domain.roles.check_owner_stays",
    kind="rejects-legal-call",
    operations=["update_workspace_member_role", "remove_workspace_member"],
)
def role_of_no_owner_may_fall(original, owners, leaving):
    """One of two owners cannot be demoted or removed."""
    if leaving in owners:
        raise Conflict("the workspace must keep an owner")


@fault(
    replaces="agentserver_reference.services.members._set_role",
    kind="last-one-may-go",
    operations=["update_workspace_member_role"],
)
def role_of_last_owner_may_fall(original, conn, workspace_id, user_id, role, now):
    """The last owner can be demoted."""
    if not members.set_role(conn, workspace_id, user_id, role):
        raise NotFound("user is not a workspace member")


@fault(
    replaces="agentserver_reference.storage.members.set_role",
    kind="missing-is-accepted",
    operations=["update_workspace_member_role"],
)
def role_for_strangers(original, conn, workspace_id, user_id, role):
    """Setting the role of an account that is not a member succeeds."""
    original(conn, workspace_id, user_id, role)
    return True


@fault(
    replaces="agentserver_reference.storage.members.set_role",
    kind="value-altered",
    operations=["update_workspace_member_role"],
)
def role_maintainer_becomes_developer(original, conn, workspace_id, user_id, role):
    """The role maintainer is stored as developer."""
    kept = "developer" if role == "maintainer" else role
    return original(conn, workspace_id, user_id, kept)


# --- removing -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.members.remove",
    kind="wrong-object-touched",
    operations=["remove_workspace_member"],
)
def remove_from_all_workspaces(original, conn, workspace_id, user_id):
    """A member is removed from other workspaces as well."""
    conn.execute(
        delete(tables.members).where(_of.workspace_id >= workspace_id, _of.user_id == user_id)
    )


@fault(
    replaces="agentserver_reference.storage.members.remove",
    kind="wrong-object-touched",
    operations=["remove_workspace_member"],
)
def remove_takes_neighbours(original, conn, workspace_id, user_id):
    """Members with a greater id are removed as well."""
    conn.execute(
        delete(tables.members).where(_of.workspace_id == workspace_id, _of.user_id >= user_id)
    )


@fault(
    replaces="agentserver_reference.services.members._remove",
    kind="last-one-may-go",
    operations=["remove_workspace_member"],
)
def remove_last_owner(original, conn, workspace_id, user_id, now):
    """The last owner can be removed."""
    members.remove(conn, workspace_id, user_id)


@fault(
    replaces="agentserver_reference.storage.members.remove",
    kind="delete-does-nothing",
    operations=["remove_workspace_member"],
)
def remove_does_nothing(original, conn, workspace_id, user_id):
    """A removed member remains."""


@fault(
    replaces="agentserver_reference.storage.members.remove",
    kind="delete-does-nothing",
    operations=["remove_workspace_member"],
)
def remove_makes_guest(original, conn, workspace_id, user_id):
    """A removed member becomes a guest."""
    members.set_role(conn, workspace_id, user_id, "guest")


@fault(
    replaces="agentserver_reference.storage.members.remove",
    kind="delete-not-repeatable",
    operations=["remove_workspace_member"],
)
def remove_stranger_is_404(original, conn, workspace_id, user_id):
    """Removing an account that is not a member fails."""
    if members.role_of(conn, workspace_id, user_id) is None:
        raise NotFound("user is not a workspace member")
    original(conn, workspace_id, user_id)


@fault(
    replaces="agentserver_reference.storage.members.remove",
    kind="wrong-object-touched",
    operations=["remove_workspace_member", "admin_get_user_quota"],
)
def remove_takes_quota_along(original, conn, workspace_id, user_id):
    """Removing a member also removes the override of the account's quota."""
    original(conn, workspace_id, user_id)
    quotas.delete_of_user(conn, user_id)


_first_joined = {}


@fault(
    replaces="agentserver_reference.storage.members.add",
    kind="wrong-order",
    operations=["list_workspace_members", "add_workspace_member"],
)
def add_again_at_old_place(original, conn, *, workspace_id, user_id, role, now):
    """A member who was removed and added again keeps the old place in the list."""
    now = _first_joined.setdefault((workspace_id, user_id), now)
    original(conn, workspace_id=workspace_id, user_id=user_id, role=role, now=now)
