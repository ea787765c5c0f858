"""Workspaces."""

from collections.abc import Mapping
from datetime import datetime

from agentserver_reference.domain.errors import Forbidden
from agentserver_reference.domain.quotas import check_workspaces
from agentserver_reference.domain.roles import OWNER
from agentserver_reference.services import quotas, sandboxes
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import members, workspaces
from agentserver_reference.storage import sandboxes as sandbox_rows
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

OWNER_FIELDS = ("id", "email", "name", "picture")


async def list_of_member(work: UnitOfWork, user_id: str) -> list[Record]:
    """Return the workspaces that a user is a member of, oldest first."""
    return await work.read(workspaces.list_of_member, user_id)


async def create(work: UnitOfWork, owner_id: str, name: str) -> Record:
    """Create a workspace with this owner. Raises QuotaExceeded."""
    context = work.context
    return await work.write(
        # With the lock, simultaneous calls cannot exceed the quota.
        Lock(user=owner_id),
        _create,
        owner_id,
        context.ids(),
        name,
        context.settings.quota_environment,
        context.clock(),
    )


def _create(
    conn: Connection,
    owner_id: str,
    workspace_id: str,
    name: str,
    environment: Mapping[str, str],
    now: datetime,
) -> Record:
    owned, maximum = quotas.owned_and_allowed(conn, owner_id, environment)
    check_workspaces(owned, maximum)
    return add_owned(conn, workspace_id, owner_id, name, now)


def add_owned(
    conn: Connection, workspace_id: str, owner_id: str, name: str, now: datetime
) -> Record:
    """Add a workspace and its owner, without checking a quota."""
    created = workspaces.add(conn, workspace_id=workspace_id, name=name, now=now)
    members.add(conn, workspace_id=workspace_id, user_id=owner_id, role=OWNER, now=now)
    return created


async def get(work: UnitOfWork, workspace_id: str) -> Record:
    """Return a workspace."""
    found = await work.read(workspaces.find, workspace_id)
    if found is None:
        # It was deleted after the authorisation: respond as to a user who is not a member.
        raise Forbidden("not a workspace member")
    return found


async def rename(work: UnitOfWork, workspace_id: str, name: str) -> Record:
    """Rename a workspace."""
    lock = Lock(workspace=workspace_id)
    return await work.update(lock, workspaces.rename, workspace_id, name, work.context.clock())


async def delete(work: UnitOfWork, workspace_id: str) -> None:
    """Delete a workspace and everything that belongs to it, and stop its sandboxes."""
    gone = await work.write(Lock(workspace=workspace_id), _delete, workspace_id)
    await sandboxes.remove_from_backend(work, gone)


def _delete(conn: Connection, workspace_id: str) -> list[Record]:
    """Return the sandboxes that were in it."""
    gone = sandbox_rows.list_of(conn, workspace_id)
    workspaces.remove(conn, workspace_id)
    return gone


async def list_all(work: UnitOfWork) -> list[Record]:
    """Return all workspaces, each with the member who has been its owner for longest."""
    return await work.read(_list_all, work.context.settings.quota_environment)


def _list_all(conn: Connection, environment: Mapping[str, str]) -> list[Record]:
    default = quotas.system_limits(conn, environment)["max_sandboxes_per_workspace"]
    return [_with_owner(row, default) for row in workspaces.list_all(conn)]


def _with_owner(row: Record, default_max_sandboxes: int) -> Record:
    owner = {field: row.pop(f"owner_{field}") for field in OWNER_FIELDS}
    override = row.pop("max_sandboxes")
    return {
        **row,
        "owner": None if owner["id"] is None else owner,
        "max_sandboxes": default_max_sandboxes if override is None else override,
    }
