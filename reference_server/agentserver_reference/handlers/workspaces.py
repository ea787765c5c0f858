"""Workspaces, their members, their limits and their language-model endpoints."""

from agentserver_reference.call import Call
from agentserver_reference.domain.roles import DEFAULT_ROLE
from agentserver_reference.replies import Reply
from agentserver_reference.services import llm_configs, llm_quotas, members, quotas, workspaces


async def list_workspaces(call: Call) -> Reply:
    """GET /api/workspaces."""
    return Reply(200, await workspaces.list_of_member(call.work, call.user_id))


async def create_workspace(call: Call) -> Reply:
    """POST /api/workspaces."""
    return Reply(201, await workspaces.create(call.work, call.user_id, call.json["name"]))


async def get_workspace_creation_quota(call: Call) -> Reply:
    """GET /api/workspaces/quota."""
    return Reply(200, await quotas.creation_quota(call.work, call.user_id))


async def get_workspace(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}."""
    return Reply(200, await workspaces.get(call.work, call.path["workspace_id"]))


async def rename_workspace(call: Call) -> Reply:
    """PATCH /api/workspaces/{workspace_id}."""
    workspace_id, name = call.path["workspace_id"], call.json["name"]
    return Reply(200, await workspaces.rename(call.work, workspace_id, name))


async def delete_workspace(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}."""
    await workspaces.delete(call.work, call.path["workspace_id"])
    return Reply(204)


async def get_workspace_defaults(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/defaults."""
    return Reply(200, await quotas.of_sandboxes(call.work, call.path["workspace_id"]))


async def list_workspace_members(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/members."""
    return Reply(200, await members.list_of_workspace(call.work, call.path["workspace_id"]))


async def add_workspace_member(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/members."""
    added = await members.add(
        call.work,
        call.path["workspace_id"],
        call.user_id,
        call.json["email"],
        call.json.get("role", DEFAULT_ROLE),
    )
    return Reply(201, added)


async def update_workspace_member_role(call: Call) -> Reply:
    """PUT /api/workspaces/{workspace_id}/members/{user_id}."""
    await members.set_role(
        call.work, call.path["workspace_id"], call.path["user_id"], call.json["role"]
    )
    return Reply(204)


async def remove_workspace_member(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}/members/{user_id}."""
    await members.remove(call.work, call.path["workspace_id"], call.path["user_id"])
    return Reply(204)


async def get_workspace_llm_config(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/llm-config."""
    return Reply(200, await llm_configs.get(call.work, call.path["workspace_id"]))


async def set_workspace_llm_config(call: Call) -> Reply:
    """PUT /api/workspaces/{workspace_id}/llm-config."""
    await llm_configs.store(call.work, call.path["workspace_id"], call.json)
    return Reply(200, {"ok": True})


async def delete_workspace_llm_config(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}/llm-config."""
    await llm_configs.delete(call.work, call.path["workspace_id"])
    return Reply(204)


async def get_workspace_llm_quota(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/llm-quota."""
    return Reply(200, await llm_quotas.get(call.work, call.path["workspace_id"]))
