"""What an administrator sees and sets, for the whole installation."""

from collections.abc import Mapping
from datetime import datetime

from agentserver_reference.call import Call, Reply
from agentserver_reference.domain.errors import Missing
from agentserver_reference.domain.quotas import (
    SETTING_OF,
    Limits,
    merged,
    workspace_defaults,
)
from agentserver_reference.domain.roles import ADMIN, check_admin_stays
from agentserver_reference.storage import quotas, sandboxes, users, workspaces
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record

OWNER_FIELDS = ("id", "email", "name", "picture")


async def admin_list_users(call: Call) -> Reply:
    """GET /api/admin/users."""
    return Reply(200, await call.read(users.list_all))


async def admin_update_user_role(call: Call) -> Reply:
    """PUT /api/admin/users/{user_id}/role: `user` or `admin`, from the next request on."""
    await call.write(_set_role, call.path["user_id"], call.json["role"], call.services.clock())
    return Reply(204)


def _set_role(conn: Connection, user_id: str, role: str, now: datetime) -> None:
    roles = users.lock_with_admins(conn, user_id)
    if user_id not in roles:
        raise Missing("user not found")
    if role != ADMIN:
        check_admin_stays([one for one, held in roles.items() if held == ADMIN], user_id)
    users.set_role(conn, user_id, role, now)


async def admin_get_user_quota(call: Call) -> Reply:
    """GET /api/admin/users/{user_id}/quota: the default, and what overrides it."""
    quota = await call.read(
        _user_quota, call.path["user_id"], call.services.settings.quota_environment
    )
    return Reply(200, quota)


def _user_quota(conn: Connection, user_id: str, environment: Mapping[str, str]) -> Record:
    if users.find(conn, user_id) is None:
        raise Missing("user not found")
    default = quotas.system_limits(conn, environment)["max_workspaces_per_user"]
    return {
        "defaults": {"max_workspaces_per_user": default},
        "overrides": quotas.of_user(conn, user_id),
    }


async def admin_set_user_quota(call: Call) -> Reply:
    """PUT /api/admin/users/{user_id}/quota: replaces the override, also by one without a number."""
    await call.write(
        _set_user_quota,
        call.path["user_id"],
        call.json.get("max_workspaces"),
        call.services.clock(),
    )
    return Reply(204)


def _set_user_quota(conn: Connection, user_id: str, maximum: int | None, now: datetime) -> None:
    _lock_user(conn, user_id)
    quotas.set_of_user(conn, user_id, maximum, now)


async def admin_delete_user_quota(call: Call) -> Reply:
    """DELETE /api/admin/users/{user_id}/quota."""
    await call.write(_delete_user_quota, call.path["user_id"])
    return Reply(204)


def _delete_user_quota(conn: Connection, user_id: str) -> None:
    _lock_user(conn, user_id)
    quotas.delete_of_user(conn, user_id)


async def admin_list_workspaces(call: Call) -> Reply:
    """GET /api/admin/workspaces: one row each, with the one who has owned it longest."""
    return Reply(200, await call.read(_workspaces, call.services.settings.quota_environment))


def _workspaces(conn: Connection, environment: Mapping[str, str]) -> list[Record]:
    default = quotas.system_limits(conn, environment)["max_sandboxes_per_workspace"]
    return [_workspace_item(row, default) for row in workspaces.list_all(conn)]


def _workspace_item(row: Record, default: int) -> Record:
    owner = {field: row.pop(f"owner_{field}") for field in OWNER_FIELDS}
    override = row.pop("max_sandboxes")
    return {
        **row,
        "owner": None if owner["id"] is None else owner,
        "max_sandboxes": default if override is None else override,
    }


async def admin_get_workspace_quota(call: Call) -> Reply:
    """GET /api/admin/workspaces/{workspace_id}/quota: the defaults, and what overrides them."""
    quota = await call.read(
        _workspace_quota, call.path["workspace_id"], call.services.settings.quota_environment
    )
    return Reply(200, quota)


def _workspace_quota(conn: Connection, workspace_id: str, environment: Mapping[str, str]) -> Record:
    _check_workspace(conn, workspace_id)
    return {
        "defaults": workspace_defaults(quotas.system_limits(conn, environment)),
        "overrides": quotas.of_workspace(conn, workspace_id),
    }


async def admin_set_workspace_quota(call: Call) -> Reply:
    """PUT /api/admin/workspaces/{workspace_id}/quota: what is left out or null stays."""
    await call.write(
        _merge_workspace_quota, call.path["workspace_id"], call.json, call.services.clock()
    )
    return Reply(204)


def _merge_workspace_quota(
    conn: Connection, workspace_id: str, change: Mapping[str, int | None], now: datetime
) -> None:
    _lock_workspace(conn, workspace_id)
    override = merged(quotas.of_workspace(conn, workspace_id), change)
    quotas.set_of_workspace(conn, workspace_id, override, now)


async def admin_delete_workspace_quota(call: Call) -> Reply:
    """DELETE /api/admin/workspaces/{workspace_id}/quota."""
    await call.write(_delete_workspace_quota, call.path["workspace_id"])
    return Reply(204)


def _delete_workspace_quota(conn: Connection, workspace_id: str) -> None:
    _lock_workspace(conn, workspace_id)
    quotas.delete_of_workspace(conn, workspace_id)


async def admin_get_workspace_llm_quota(call: Call) -> Reply:
    """GET /api/admin/workspaces/{workspace_id}/llm-quota: as the LLM proxy counts."""
    workspace_id = call.path["workspace_id"]
    await call.read(_check_workspace, workspace_id)
    return Reply(200, await call.services.llm_proxy.quota(workspace_id))


async def admin_set_workspace_llm_quota(call: Call) -> Reply:
    """PUT /api/admin/workspaces/{workspace_id}/llm-quota: replaces the limit."""
    workspace_id = call.path["workspace_id"]
    await call.read(_check_workspace, workspace_id)
    await call.services.llm_proxy.set_quota(workspace_id, call.json.get("max_rpd"))
    return Reply(204)


async def admin_delete_workspace_llm_quota(call: Call) -> Reply:
    """DELETE /api/admin/workspaces/{workspace_id}/llm-quota."""
    workspace_id = call.path["workspace_id"]
    await call.read(_check_workspace, workspace_id)
    await call.services.llm_proxy.delete_quota(workspace_id)
    return Reply(204)


async def admin_list_sandboxes(call: Call) -> Reply:
    """GET /api/admin/sandboxes: without last_activity_at where there was none."""
    rows = await call.read(sandboxes.list_all)
    return Reply(200, [_sandbox_item(row) for row in rows])


def _sandbox_item(row: Record) -> Record:
    if row["last_activity_at"] is None:
        del row["last_activity_at"]
    return row


async def admin_get_quota_defaults(call: Call) -> Reply:
    """GET /api/admin/quotas/defaults: what is stored, else the environment, else built in."""
    environment = call.services.settings.quota_environment
    return Reply(200, await call.read(quotas.system_limits, environment))


async def admin_set_quota_defaults(call: Call) -> Reply:
    """PUT /api/admin/quotas/defaults: those given, all of them or none."""
    limits = await call.write(_set_defaults, call.json, call.services.settings.quota_environment)
    return Reply(200, limits)


def _set_defaults(conn: Connection, change: Limits, environment: Mapping[str, str]) -> Limits:
    given = {SETTING_OF[name]: str(value) for name, value in change.items()}
    quotas.store_settings(conn, given)
    return quotas.system_limits(conn, environment)


def _lock_user(conn: Connection, user_id: str) -> None:
    if not users.lock(conn, user_id):
        raise Missing("user not found")


def _lock_workspace(conn: Connection, workspace_id: str) -> None:
    if not workspaces.lock(conn, workspace_id):
        raise Missing("workspace not found")


def _check_workspace(conn: Connection, workspace_id: str) -> None:
    if not workspaces.exists(conn, workspace_id):
        raise Missing("workspace not found")
