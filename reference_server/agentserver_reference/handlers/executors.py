"""Executors of workspaces."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import executors


async def list_executors(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/executors."""
    shown = await executors.list_of_workspace(call.work, call.path["workspace_id"], call.user_id)
    return Reply(200, shown)


async def register_executor(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/executors."""
    body, public_url = call.json, call.work.context.settings.public_url
    registered = await executors.register(
        call.work,
        call.path["workspace_id"],
        call.user_id,
        body["name"],
        body.get("description", ""),
        public_url or f"http://{call.host}",
    )
    return Reply(201, registered)


async def unbind_executor(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}/executors/{exe_id}."""
    path = call.path
    await executors.unbind(call.work, path["workspace_id"], path["exe_id"], call.user_id)
    return Reply(204)
