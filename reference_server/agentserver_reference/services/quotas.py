"""The limits of the installation, and the overrides for users and workspaces.

All changes lock the installation, because they are rare and made by administrators only.
"""

from collections.abc import Mapping
from datetime import datetime

from agentserver_reference.domain.quotas import (
    SETTING_OF,
    WORKSPACES_PER_USER,
    Limits,
    merged,
    resolve_limit,
    resolve_limits,
    workspace_defaults,
    workspace_limits,
)
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import quotas, sandboxes, users, workspaces
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

SANDBOX_LIMITS = ("max_sandbox_cpu", "max_sandbox_memory", "max_idle_timeout", "max_sandboxes")

_LOCK = Lock(installation=True)


async def creation_quota(work: UnitOfWork, user_id: str) -> Record:
    """Return how many workspaces a user owns and may own."""
    environment = work.context.settings.quota_environment
    owned, maximum = await work.read(owned_and_allowed, user_id, environment)
    return {"current": owned, "max": maximum}


def owned_and_allowed(
    conn: Connection, user_id: str, environment: Mapping[str, str]
) -> tuple[int, int]:
    """Return how many workspaces a user owns and may own; 0 means no limit."""
    owned, override, stored = quotas.workspaces_of_user(conn, user_id)
    if override is not None:
        return owned, override
    return owned, resolve_limit(WORKSPACES_PER_USER, stored, environment)


async def of_sandboxes(work: UnitOfWork, workspace_id: str) -> Record:
    """Return the limits of a new sandbox in a workspace, and how many sandboxes it has."""
    environment = work.context.settings.quota_environment
    return await work.read(_of_sandboxes, workspace_id, environment)


def _of_sandboxes(conn: Connection, workspace_id: str, environment: Mapping[str, str]) -> Record:
    limits = limits_of_workspace(conn, workspace_id, environment)
    return {name: limits[name] for name in SANDBOX_LIMITS} | {
        "current_sandboxes": sandboxes.count_of(conn, workspace_id)
    }


def limits_of_workspace(
    conn: Connection, workspace_id: str, environment: Mapping[str, str]
) -> Limits:
    """Return the limits of a workspace: its override where set, otherwise the defaults."""
    return workspace_limits(
        system_limits(conn, environment), quotas.of_workspace(conn, workspace_id)
    )


async def of_user(work: UnitOfWork, user_id: str) -> Record:
    """Return the default limit and the override of a user. Raises NotFound."""
    return await work.read(_of_user, user_id, work.context.settings.quota_environment)


def _of_user(conn: Connection, user_id: str, environment: Mapping[str, str]) -> Record:
    users.check_exists(conn, user_id)
    default = system_limits(conn, environment)["max_workspaces_per_user"]
    return {
        "defaults": {"max_workspaces_per_user": default},
        "overrides": quotas.of_user(conn, user_id),
    }


async def set_of_user(work: UnitOfWork, user_id: str, maximum: int | None) -> None:
    """Replace a user's override; None leaves the default in force. Raises NotFound."""
    now = work.context.clock()
    await work.write(_LOCK, quotas.set_of_user, user_id, maximum, now)


async def delete_of_user(work: UnitOfWork, user_id: str) -> None:
    """Remove a user's override, if there is one. Raises NotFound."""
    await work.write(_LOCK, _delete_of_user, user_id)


def _delete_of_user(conn: Connection, user_id: str) -> None:
    if not quotas.delete_of_user(conn, user_id):
        users.check_exists(conn, user_id)


async def of_workspace(work: UnitOfWork, workspace_id: str) -> Record:
    """Return the default limits and the override of a workspace. Raises NotFound."""
    return await work.read(_of_workspace, workspace_id, work.context.settings.quota_environment)


def _of_workspace(conn: Connection, workspace_id: str, environment: Mapping[str, str]) -> Record:
    workspaces.check_exists(conn, workspace_id)
    return {
        "defaults": workspace_defaults(system_limits(conn, environment)),
        "overrides": quotas.of_workspace(conn, workspace_id),
    }


async def merge_of_workspace(
    work: UnitOfWork, workspace_id: str, change: Mapping[str, int | None]
) -> None:
    """Change the given limits of a workspace; omitted and null ones stay. Raises NotFound."""
    now = work.context.clock()
    await work.write(_LOCK, _merge_of_workspace, workspace_id, change, now)


def _merge_of_workspace(
    conn: Connection, workspace_id: str, change: Mapping[str, int | None], now: datetime
) -> None:
    override = merged(quotas.of_workspace(conn, workspace_id), change)
    quotas.set_of_workspace(conn, workspace_id, override, now)


async def delete_of_workspace(work: UnitOfWork, workspace_id: str) -> None:
    """Remove a workspace's override, if there is one. Raises NotFound."""
    await work.write(_LOCK, _delete_of_workspace, workspace_id)


def _delete_of_workspace(conn: Connection, workspace_id: str) -> None:
    if not quotas.delete_of_workspace(conn, workspace_id):
        workspaces.check_exists(conn, workspace_id)


async def defaults(work: UnitOfWork) -> Limits:
    """Return the limits of the installation."""
    return await work.read(system_limits, work.context.settings.quota_environment)


async def set_defaults(work: UnitOfWork, change: Limits) -> Limits:
    """Store all given limits of the installation, or none of them if one is invalid."""
    return await work.write(_LOCK, _set_defaults, change, work.context.settings.quota_environment)


def _set_defaults(conn: Connection, change: Limits, environment: Mapping[str, str]) -> Limits:
    given = {SETTING_OF[name]: str(value) for name, value in change.items()}
    quotas.store_settings(conn, given)
    return system_limits(conn, environment)


def system_limits(conn: Connection, environment: Mapping[str, str]) -> Limits:
    """Return the limits: the stored ones, otherwise the environment's, otherwise built-in ones."""
    return resolve_limits(quotas.stored_settings(conn), environment)
