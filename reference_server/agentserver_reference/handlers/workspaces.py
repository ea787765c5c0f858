"""Workspaces, their members, their limits and their language-model endpoints."""

from collections.abc import Mapping
from datetime import datetime

from agentserver_reference.call import Call, Reply
from agentserver_reference.domain.cipher import Cipher
from agentserver_reference.domain.errors import Forbidden, Invalid, Missing
from agentserver_reference.domain.llm_config import masked
from agentserver_reference.domain.quotas import check_workspaces, workspace_limits
from agentserver_reference.domain.roles import (
    DEFAULT_ROLE,
    OWNER,
    check_may_give,
    check_owner_stays,
)
from agentserver_reference.storage import (
    llm_configs,
    members,
    quotas,
    sandboxes,
    users,
    workspaces,
)
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record

SHOWN_LIMITS = ("max_sandbox_cpu", "max_sandbox_memory", "max_idle_timeout", "max_sandboxes")

NO_LLM_CONFIG = {"configured": False, "base_url": "", "api_key": "", "updated_at": None}


async def list_workspaces(call: Call) -> Reply:
    """GET /api/workspaces: those that the caller belongs to."""
    return Reply(200, await call.read(workspaces.list_of_member, call.user_id))


async def create_workspace(call: Call) -> Reply:
    """POST /api/workspaces: one that the caller owns, within the caller's quota."""
    created = await call.write(
        _create,
        call.user_id,
        call.services.ids(),
        call.json["name"],
        call.services.settings.quota_environment,
        call.services.clock(),
    )
    return Reply(201, created)


def _create(
    conn: Connection,
    user_id: str,
    workspace_id: str,
    name: str,
    environment: Mapping[str, str],
    now: datetime,
) -> Record:
    users.lock(conn, user_id)  # so that two at once do not both take the last place
    owned, maximum = _creation_quota(conn, user_id, environment)
    check_workspaces(owned, maximum)
    created = workspaces.add(conn, workspace_id=workspace_id, name=name, now=now)
    members.add(conn, workspace_id=workspace_id, user_id=user_id, role=OWNER, now=now)
    return created


def _creation_quota(
    conn: Connection, user_id: str, environment: Mapping[str, str]
) -> tuple[int, int]:
    """How many workspaces the user owns, and how many that may be."""
    maximum = (quotas.of_user(conn, user_id) or {}).get("max_workspaces")
    if maximum is None:
        maximum = quotas.system_limits(conn, environment)["max_workspaces_per_user"]
    return members.count_owned(conn, user_id), maximum


async def get_workspace_creation_quota(call: Call) -> Reply:
    """GET /api/workspaces/quota: how many the caller owns and may own."""
    owned, maximum = await call.read(
        _creation_quota, call.user_id, call.services.settings.quota_environment
    )
    return Reply(200, {"current": owned, "max": maximum})


async def get_workspace(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}."""
    return Reply(200, _found(await call.read(workspaces.find, call.path["workspace_id"])))


async def rename_workspace(call: Call) -> Reply:
    """PATCH /api/workspaces/{workspace_id}: the name, and nothing else."""
    renamed = await call.write(
        _rename, call.path["workspace_id"], call.json["name"], call.services.clock()
    )
    return Reply(200, renamed)


def _rename(conn: Connection, workspace_id: str, name: str, now: datetime) -> Record:
    workspaces.rename(conn, workspace_id, name, now)
    return _found(workspaces.find(conn, workspace_id))


async def delete_workspace(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}: with all that belongs to it."""
    await call.write(_delete, call.path["workspace_id"])
    return Reply(204)


def _delete(conn: Connection, workspace_id: str) -> None:
    _lock(conn, workspace_id)
    workspaces.remove(conn, workspace_id)


async def get_workspace_defaults(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/defaults: what a new sandbox may have."""
    limits = await call.read(
        _sandbox_limits, call.path["workspace_id"], call.services.settings.quota_environment
    )
    return Reply(200, limits)


def _sandbox_limits(conn: Connection, workspace_id: str, environment: Mapping[str, str]) -> Record:
    system = quotas.system_limits(conn, environment)
    limits = workspace_limits(system, quotas.of_workspace(conn, workspace_id))
    return {name: limits[name] for name in SHOWN_LIMITS} | {
        "current_sandboxes": sandboxes.count_of(conn, workspace_id)
    }


async def list_workspace_members(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/members."""
    return Reply(200, await call.read(members.list_of, call.path["workspace_id"]))


async def add_workspace_member(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/members: an account, by its e-mail address."""
    added = await call.write(
        _add_member,
        call.path["workspace_id"],
        call.user_id,
        call.json["email"],
        call.json.get("role", DEFAULT_ROLE),
        call.services.clock(),
    )
    return Reply(201, added)


def _add_member(
    conn: Connection, workspace_id: str, caller_id: str, email: str, role: str, now: datetime
) -> Record:
    _lock(conn, workspace_id)
    check_may_give(members.role_of(conn, workspace_id, caller_id), role)
    account = users.find_by_email(conn, email)
    if account is None:
        raise Missing("user not found")
    members.add(conn, workspace_id=workspace_id, user_id=account["id"], role=role, now=now)
    return {
        "user_id": account["id"],
        "email": account["email"],
        "role": role,
        "picture": account["picture"],
    }


async def update_workspace_member_role(call: Call) -> Reply:
    """PUT /api/workspaces/{workspace_id}/members/{user_id}: another role, from now on."""
    await call.write(_set_role, call.path["workspace_id"], call.path["user_id"], call.json["role"])
    return Reply(204)


def _set_role(conn: Connection, workspace_id: str, user_id: str, role: str) -> None:
    _lock(conn, workspace_id)
    if members.role_of(conn, workspace_id, user_id) is None:
        raise Missing("user is not a workspace member")
    if role != OWNER:
        check_owner_stays(members.owners(conn, workspace_id), user_id)
    members.set_role(conn, workspace_id, user_id, role)


async def remove_workspace_member(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}/members/{user_id}."""
    await call.write(_remove_member, call.path["workspace_id"], call.path["user_id"])
    return Reply(204)


def _remove_member(conn: Connection, workspace_id: str, user_id: str) -> None:
    _lock(conn, workspace_id)
    check_owner_stays(members.owners(conn, workspace_id), user_id)
    members.remove(conn, workspace_id, user_id)


async def get_workspace_llm_config(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/llm-config: the endpoint, its key masked."""
    workspace_id = call.path["workspace_id"]
    config = await call.read(llm_configs.find, workspace_id)
    if config is None:
        return Reply(200, NO_LLM_CONFIG)
    sealed = config.pop("api_key_encrypted")
    api_key = call.services.cipher.decrypt(sealed, row=workspace_id, column=llm_configs.KEY_COLUMN)
    return Reply(200, {"configured": True, "api_key": masked(api_key), **config})


async def set_workspace_llm_config(call: Call) -> Reply:
    """PUT /api/workspaces/{workspace_id}/llm-config: address and models anew, the key if given."""
    await call.write(
        _set_llm_config,
        call.path["workspace_id"],
        call.json,
        call.services.cipher,
        call.services.clock(),
    )
    return Reply(200, {"ok": True})


def _set_llm_config(
    conn: Connection, workspace_id: str, config: Record, cipher: Cipher, now: datetime
) -> None:
    _lock(conn, workspace_id)
    if "api_key" in config:
        sealed = cipher.encrypt(config["api_key"], row=workspace_id, column=llm_configs.KEY_COLUMN)
    elif stored := llm_configs.find(conn, workspace_id):
        sealed = stored["api_key_encrypted"]
    else:
        raise Invalid("api_key: is required, as none is stored")
    llm_configs.store(
        conn,
        workspace_id,
        base_url=config["base_url"],
        api_key_encrypted=sealed,
        models=[{"id": model["id"], "name": model["name"]} for model in config["models"]],
        now=now,
    )


async def delete_workspace_llm_config(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}/llm-config."""
    await call.write(llm_configs.remove, call.path["workspace_id"])
    return Reply(204)


async def get_workspace_llm_quota(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/llm-quota: as the LLM proxy counts."""
    return Reply(200, await call.services.llm_proxy.quota(call.path["workspace_id"]))


def _found(workspace: Record | None) -> Record:
    """The workspace, unless it went after the caller's membership was checked."""
    if workspace is None:
        raise Forbidden("not a workspace member")
    return workspace


def _lock(conn: Connection, workspace_id: str) -> None:
    """Let nobody else change the workspace, its members or settings until we are done."""
    if not workspaces.lock(conn, workspace_id):
        raise Forbidden("not a workspace member")
