"""Sandboxes."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import sandboxes, traces


async def list_sandboxes(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/sandboxes."""
    workspace_id = call.path["workspace_id"]
    return Reply(200, await sandboxes.list_of_workspace(call.work, workspace_id, call.host))


async def create_sandbox(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/sandboxes."""
    workspace_id = call.path["workspace_id"]
    return Reply(201, await sandboxes.create(call.work, workspace_id, call.json, call.host))


async def get_sandbox(call: Call) -> Reply:
    """GET /api/sandboxes/{sandbox_id}."""
    return Reply(200, await sandboxes.get(call.work, call.path["sandbox_id"], call.host))


async def rename_sandbox(call: Call) -> Reply:
    """PATCH /api/sandboxes/{sandbox_id}."""
    sandbox_id, name = call.path["sandbox_id"], call.json["name"]
    return Reply(200, await sandboxes.rename(call.work, sandbox_id, name, call.host))


async def delete_sandbox(call: Call) -> Reply:
    """DELETE /api/sandboxes/{sandbox_id}."""
    await sandboxes.delete(call.work, call.path["sandbox_id"])
    return Reply(204)


async def pause_sandbox(call: Call) -> Reply:
    """POST /api/sandboxes/{sandbox_id}/pause."""
    return Reply(200, await sandboxes.pause(call.work, call.path["sandbox_id"]))


async def resume_sandbox(call: Call) -> Reply:
    """POST /api/sandboxes/{sandbox_id}/resume."""
    return Reply(200, await sandboxes.resume(call.work, call.path["sandbox_id"]))


async def get_sandbox_usage(call: Call) -> Reply:
    """GET /api/sandboxes/{sandbox_id}/usage."""
    sandbox_id, since = call.path["sandbox_id"], call.query.get("since")
    return Reply(200, await traces.usage_of_sandbox(call.work, sandbox_id, since))
