"""What an administrator sees and sets, for the whole installation."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import llm_quotas, quotas, sandboxes, users, workspaces


async def admin_list_users(call: Call) -> Reply:
    """GET /api/admin/users."""
    return Reply(200, await users.list_all(call.work))


async def admin_update_user_role(call: Call) -> Reply:
    """PUT /api/admin/users/{user_id}/role."""
    await users.set_role(call.work, call.path["user_id"], call.json["role"])
    return Reply(204)


async def admin_get_user_quota(call: Call) -> Reply:
    """GET /api/admin/users/{user_id}/quota."""
    return Reply(200, await quotas.of_user(call.work, call.path["user_id"]))


async def admin_set_user_quota(call: Call) -> Reply:
    """PUT /api/admin/users/{user_id}/quota."""
    await quotas.set_of_user(call.work, call.path["user_id"], call.json.get("max_workspaces"))
    return Reply(204)


async def admin_delete_user_quota(call: Call) -> Reply:
    """DELETE /api/admin/users/{user_id}/quota."""
    await quotas.delete_of_user(call.work, call.path["user_id"])
    return Reply(204)


async def admin_list_workspaces(call: Call) -> Reply:
    """GET /api/admin/workspaces."""
    return Reply(200, await workspaces.list_all(call.work))


async def admin_get_workspace_quota(call: Call) -> Reply:
    """GET /api/admin/workspaces/{workspace_id}/quota."""
    return Reply(200, await quotas.of_workspace(call.work, call.path["workspace_id"]))


async def admin_set_workspace_quota(call: Call) -> Reply:
    """PUT /api/admin/workspaces/{workspace_id}/quota."""
    await quotas.merge_of_workspace(call.work, call.path["workspace_id"], call.json)
    return Reply(204)


async def admin_delete_workspace_quota(call: Call) -> Reply:
    """DELETE /api/admin/workspaces/{workspace_id}/quota."""
    await quotas.delete_of_workspace(call.work, call.path["workspace_id"])
    return Reply(204)


async def admin_get_workspace_llm_quota(call: Call) -> Reply:
    """GET /api/admin/workspaces/{workspace_id}/llm-quota."""
    return Reply(200, await llm_quotas.get_of_any(call.work, call.path["workspace_id"]))


async def admin_set_workspace_llm_quota(call: Call) -> Reply:
    """PUT /api/admin/workspaces/{workspace_id}/llm-quota."""
    workspace_id, max_rpd = call.path["workspace_id"], call.json.get("max_rpd")
    await llm_quotas.set_of_any(call.work, workspace_id, max_rpd)
    return Reply(204)


async def admin_delete_workspace_llm_quota(call: Call) -> Reply:
    """DELETE /api/admin/workspaces/{workspace_id}/llm-quota."""
    await llm_quotas.delete_of_any(call.work, call.path["workspace_id"])
    return Reply(204)


async def admin_list_sandboxes(call: Call) -> Reply:
    """GET /api/admin/sandboxes."""
    return Reply(200, await sandboxes.list_all(call.work))


async def admin_get_quota_defaults(call: Call) -> Reply:
    """GET /api/admin/quotas/defaults."""
    return Reply(200, await quotas.defaults(call.work))


async def admin_set_quota_defaults(call: Call) -> Reply:
    """PUT /api/admin/quotas/defaults."""
    return Reply(200, await quotas.set_defaults(call.work, call.json))
