"""Workspaces: whose they are, their names, their lists."""

from datetime import datetime
from unicodedata import normalize

import anyio
import anyio.lowlevel
import attrs
from replacing import also, fault
from sqlalchemy import func, select, update

from agentserver_reference.domain.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    QuotaExceeded,
)
from agentserver_reference.domain.quotas import check_workspaces
from agentserver_reference.domain.times import timestamp
from agentserver_reference.replies import Reply
from agentserver_reference.services.auth import FIRST_WORKSPACE
from agentserver_reference.services.quotas import owned_and_allowed
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import members, quotas, tables, workspaces
from agentserver_reference.storage.workspaces import find

# --- lists ----------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.workspaces.list_of_member",
    kind="wrong-order",
    operations=["list_workspaces"],
)
def workspaces_in_the_order_of_joining(original, conn, user_id):
    """A workspace is listed after those that the caller has joined before it, older or not."""
    joined = (
        select(tables.members.c.workspace_id)
        .where(tables.members.c.user_id == user_id)
        .order_by(tables.members.c.sequence)
    )
    order = [row[0] for row in conn.execute(joined).all()]
    return sorted(original(conn, user_id), key=lambda row: order.index(row["id"]))


@fault(
    replaces="agentserver_reference.storage.workspaces.list_of_member",
    kind="rows-of-others-in-list",
    operations=["list_workspaces"],
)
def list_shows_workspaces_of_guests(original, conn, user_id):
    """Every account sees the workspaces that have a guest."""
    own = original(conn, user_id)
    with_guest = select(tables.members.c.workspace_id).where(tables.members.c.role == "guest")
    ids = dict.fromkeys(conn.execute(with_guest).scalars())
    return own + [find(conn, each) for each in ids if each not in {row["id"] for row in own}]


@fault(
    replaces="agentserver_reference.storage.workspaces.list_of_member",
    kind="wrong-order",
    operations=["list_workspaces"],
)
def list_by_name(original, conn, user_id):
    """Workspaces are sorted by name."""
    return sorted(original(conn, user_id), key=lambda row: row["name"])


@fault(
    replaces="agentserver_reference.storage.workspaces.list_of_member",
    kind="wrong-order",
    operations=["list_workspaces"],
)
def list_by_membership(original, conn, user_id):
    """Workspaces are sorted by when the caller joined."""
    joined = (
        select(tables.members.c.workspace_id)
        .where(tables.members.c.user_id == user_id)
        .order_by(tables.members.c.sequence)
    )
    order = list(conn.execute(joined).scalars())
    return sorted(original(conn, user_id), key=lambda row: order.index(row["id"]))


@fault(
    replaces="agentserver_reference.storage.workspaces.list_of_member",
    kind="list-incomplete",
    operations=["list_workspaces"],
)
def list_without_guests_workspaces(original, conn, user_id):
    """Workspaces in which the caller is a guest are missing."""
    rows = original(conn, user_id)
    return [row for row in rows if members.role_of(conn, row["id"], user_id) != "guest"]


@fault(
    replaces="agentserver_reference.services.workspaces.list_of_member",
    kind="wrong-value",
    operations=["list_workspaces"],
)
async def list_times_of_creation(original, work, user_id):
    """The list shows the time of creation as `updated_at`."""
    rows = await original(work, user_id)
    return [row | {"updated_at": row["created_at"]} for row in rows]


@fault(
    replaces="agentserver_reference.services.workspaces.list_of_member",
    kind="wrong-value",
    operations=["list_workspaces"],
)
async def list_trims_names(original, work, user_id):
    """The list shows names without surrounding spaces."""
    rows = await original(work, user_id)
    return [row | {"name": row["name"].strip() or " "} for row in rows]


# --- creating -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.domain.quotas.check_workspaces",
    kind="limit-off",
    operations=["create_workspace"],
)
def create_one_too_many(original, owned, maximum):
    """One workspace more than the quota can be created."""
    if owned != maximum:
        original(owned, maximum)


@fault(
    replaces="agentserver_reference.domain.quotas.check_workspaces",
    kind="limit-off",
    operations=["create_workspace"],
)
def create_one_too_few(original, owned, maximum):
    """The last workspace within the quota is refused."""
    if maximum and owned + 1 == maximum:
        raise QuotaExceeded("Workspace limit reached.", current=owned, maximum=maximum)
    original(owned, maximum)


@fault(
    replaces="agentserver_reference.domain.quotas.check_workspaces",
    kind="wrong-value",
    operations=["create_workspace"],
)
def quota_refusal_counts_the_new_one(original, owned, maximum):
    """The refusal over a quota counts the workspace that was refused."""
    try:
        original(owned, maximum)
    except QuotaExceeded as refusal:
        raise QuotaExceeded(refusal.line, current=owned + 1, maximum=maximum) from None


@fault(
    replaces="agentserver_reference.storage.quotas.workspaces_of_user",
    kind="wrong-value",
    operations=["get_workspace_creation_quota", "create_workspace"],
)
def quota_counts_memberships(original, conn, user_id):
    """Workspaces in which the caller is only a member are counted."""
    count = select(func.count()).where(tables.members.c.user_id == user_id)
    return (conn.execute(count).scalar_one(), *original(conn, user_id)[1:])


@fault(
    replaces="agentserver_reference.services.workspaces.create",
    kind="limit-raced-past",
    operations=["create_workspace"],
)
async def create_raced_past_quota(original, work, owner_id, name):
    """Concurrent requests get past the quota."""
    environment = work.context.settings.quota_environment
    check_workspaces(*await work.read(owned_and_allowed, owner_id, environment))
    await anyio.sleep(0.01)
    return await original(work, owner_id, name)


@also(
    create_raced_past_quota,
    replaces="agentserver_reference.services.workspaces.check_workspaces",
)
def _not_checked_in_the_transaction(original, owned, maximum):
    pass


@fault(
    replaces="agentserver_reference.services.workspaces.create",
    kind="limit-raced-past",
    operations=["create_workspace"],
)
async def create_raced_past_quota_at_one_moment(original, work, owner_id, name):
    """Requests that are read at the same moment get past the quota."""
    environment = work.context.settings.quota_environment
    check_workspaces(*await work.read(owned_and_allowed, owner_id, environment))
    await anyio.lowlevel.checkpoint()
    return await original(work, owner_id, name)


@also(
    create_raced_past_quota_at_one_moment,
    replaces="agentserver_reference.services.workspaces.check_workspaces",
)
def _not_checked_then(original, owned, maximum):
    pass


@fault(
    replaces="agentserver_reference.services.workspaces.create",
    kind="refused-write-has-effect",
    operations=["create_workspace"],
)
async def create_refused_and_made(original, work, owner_id, name):
    """A workspace over the quota is created although the request is refused."""
    created = await original(work, owner_id, name)
    environment = work.context.settings.quota_environment
    owned, maximum = await work.read(owned_and_allowed, owner_id, environment)
    check_workspaces(owned - 1, maximum)
    return created


@also(
    create_refused_and_made,
    replaces="agentserver_reference.services.workspaces.check_workspaces",
)
def _not_checked_before(original, owned, maximum):
    pass


@fault(
    replaces="agentserver_reference.services.workspaces.add_owned",
    kind="write-not-stored",
    operations=["create_workspace"],
)
def create_without_owner(original, conn, workspace_id, owner_id, name, now):
    """The creator of a workspace is not a member."""
    if name == FIRST_WORKSPACE:
        return original(conn, workspace_id, owner_id, name, now)
    return workspaces.add(conn, workspace_id=workspace_id, name=name, now=now)


@fault(
    replaces="agentserver_reference.services.workspaces.create",
    kind="value-altered",
    operations=["create_workspace"],
)
async def create_trims_name(original, work, owner_id, name):
    """Spaces around a new workspace's name are dropped."""
    return await original(work, owner_id, name.strip() or name)


@fault(
    replaces="agentserver_reference.services.workspaces.create",
    kind="value-altered",
    operations=["create_workspace"],
)
async def create_composes_name(original, work, owner_id, name):
    """The name of a new workspace is normalised to NFC."""
    return await original(work, owner_id, normalize("NFC", name))


@fault(
    replaces="agentserver_reference.services.workspaces.create",
    kind="value-altered",
    operations=["create_workspace"],
)
async def create_cuts_name(original, work, owner_id, name):
    """Names are cut after 200 characters."""
    return await original(work, owner_id, name[:200])


@fault(
    replaces="agentserver_reference.http.request._prune",
    kind="mass-assignment",
    operations=["create_workspace"],
)
def create_takes_id_from_caller(original, value, shape):
    """An `id` in the request becomes the new workspace's id."""
    return (
        {**value, **original(value, shape)} if isinstance(value, dict) else original(value, shape)
    )


@also(
    create_takes_id_from_caller,
    replaces="agentserver_reference.handlers.workspaces.create_workspace",
)
async def _with_id_from_caller(original, call):
    if "id" in call.json:
        context = attrs.evolve(call.work.context, ids=lambda: str(call.json["id"]))
        call = attrs.evolve(call, work=UnitOfWork(context, call.work.authority))
    return await original(call)


# --- reading --------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.handlers.workspaces.get_workspace",
    kind="existence-shown",
    operations=["get_workspace"],
)
async def unknown_workspace_is_404(original, call):
    """An unknown workspace is answered with 404, so that outsiders learn which exist."""
    found = await call.work.read(find, call.path["workspace_id"])
    if found is None:
        raise NotFound("workspace not found")
    if await call.work.read(members.role_of, found["id"], call.user_id) is None:
        raise Forbidden("not a workspace member")
    return Reply(200, found)


@also(
    unknown_workspace_is_404,
    replaces="agentserver_reference.security.authorize.check_role",
)
def _not_checked_by_role(original, operation, principal):
    if operation.id != "get_workspace":
        original(operation, principal)


# --- renaming -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.workspaces.rename",
    kind="write-not-stored",
    operations=["rename_workspace"],
)
def rename_not_stored(original, conn, permission, workspace_id, name, now):
    """The answer shows the new name, but it is not stored."""
    return find(conn, workspace_id) | {"name": name}


@fault(
    replaces="agentserver_reference.storage.workspaces.rename",
    kind="answer-is-stale",
    operations=["rename_workspace"],
)
def rename_answers_old_name(original, conn, permission, workspace_id, name, now):
    """The answer shows the workspace before the change."""
    before = find(conn, workspace_id)
    original(conn, permission, workspace_id, name, now)
    return before


@fault(
    replaces="agentserver_reference.storage.workspaces.rename",
    kind="time-not-moved",
    operations=["rename_workspace"],
)
def rename_keeps_time(original, conn, permission, workspace_id, name, now):
    """`updated_at` does not change."""
    before = find(conn, workspace_id)["updated_at"]
    return original(conn, permission, workspace_id, name, datetime.fromisoformat(before))


@fault(
    replaces="agentserver_reference.storage.workspaces.rename",
    kind="time-not-moved",
    operations=["rename_workspace"],
)
def rename_to_the_same_name_keeps_time(original, conn, permission, workspace_id, name, now):
    """`updated_at` does not change where the name is the one that the workspace has."""
    before = find(conn, workspace_id)
    if before["name"] == name:
        now = datetime.fromisoformat(before["updated_at"])
    return original(conn, permission, workspace_id, name, now)


@fault(
    replaces="agentserver_reference.storage.workspaces.rename",
    kind="other-fields-reset",
    operations=["rename_workspace"],
)
def rename_moves_creation(original, conn, permission, workspace_id, name, now):
    """A rename changes the time of creation."""
    original(conn, permission, workspace_id, name, now)
    this = tables.workspaces.c.id == workspace_id
    conn.execute(update(tables.workspaces).where(this).values(created_at=timestamp(now)))
    return find(conn, workspace_id)


@fault(
    replaces="agentserver_reference.storage.workspaces.rename",
    kind="wrong-object-touched",
    operations=["rename_workspace"],
)
def rename_renames_neighbours(original, conn, permission, workspace_id, name, now):
    """Workspaces with a greater id are renamed as well."""
    conn.execute(
        update(tables.workspaces)
        .where(tables.workspaces.c.id >= workspace_id)
        .values(name=name, updated_at=timestamp(now))
    )
    return find(conn, workspace_id)


@fault(
    replaces="agentserver_reference.handlers.workspaces.rename_workspace",
    kind="refused-write-has-effect",
    operations=["rename_workspace"],
)
async def rename_refused_and_made(original, call):
    """An outsider is refused, but the workspace is renamed."""
    reply = await original(call)
    if call.principal.workspace_role is None:
        raise Forbidden("not a workspace member")
    return reply


@also(
    rename_refused_and_made,
    replaces="agentserver_reference.security.authorize.check_role",
)
def _not_checked_before_the_rename(original, operation, principal):
    if operation.id != "rename_workspace":
        original(operation, principal)


@fault(
    replaces="agentserver_reference.handlers.workspaces.rename_workspace",
    kind="rejects-legal-boundary",
    operations=["create_workspace", "rename_workspace"],
)
async def names_counted_in_bytes(original, call):
    """The length of a name is counted in bytes, not in characters."""
    if len(call.json["name"].encode()) > 255:
        raise BadRequest("name: must have at most 255 characters")
    return await original(call)


@fault(
    replaces="agentserver_reference.storage.workspaces.rename",
    kind="wrong-object-touched",
    operations=["rename_workspace", "admin_get_workspace_quota"],
)
def rename_moves_time_of_limits(original, conn, permission, workspace_id, name, now):
    """A rename changes the `updated_at` of the limits."""
    limits = quotas.of_workspace(conn, workspace_id)
    if limits is not None:
        quotas.set_of_workspace(conn, workspace_id, limits, now)
    return original(conn, permission, workspace_id, name, now)


# --- deleting -------------------------------------------------------------------------------------


@fault(
    replaces="agentserver_reference.storage.workspaces.remove",
    kind="delete-does-nothing",
    operations=["delete_workspace"],
)
def delete_does_nothing(original, conn, workspace_id):
    """A deleted workspace remains."""


@fault(
    replaces="agentserver_reference.storage.engine.sqlite._PRAGMAS",
    kind="rest-left-behind",
    operations=["delete_workspace", "get_workspace_creation_quota"],
)
def delete_leaves_memberships(original):
    """The memberships of a deleted workspace remain and count towards the quota."""
    return tuple(each.replace("foreign_keys = ON", "foreign_keys = OFF") for each in original)


@fault(
    replaces="agentserver_reference.services.workspaces._create",
    kind="rejects-legal-call",
    operations=["create_workspace"],
)
def create_counts_memberships(original, conn, owner_id, workspace_id, name, environment, now):
    """Workspaces that belong to others use up the quota of their members."""
    _, maximum = owned_and_allowed(conn, owner_id, environment)
    check_workspaces(len(workspaces.list_of_member(conn, owner_id)), maximum)
    return original(conn, owner_id, workspace_id, name, environment, now)


@fault(
    replaces="agentserver_reference.storage.workspaces.rename",
    kind="rejects-legal-call",
    operations=["rename_workspace"],
)
def rename_to_a_name_in_use_is_409(original, conn, permission, workspace_id, name, now):
    """A workspace cannot get a name that another one has."""
    if any(row["name"] == name and row["id"] != workspace_id for row in workspaces.list_all(conn)):
        raise Conflict("name already taken")
    return original(conn, permission, workspace_id, name, now)
