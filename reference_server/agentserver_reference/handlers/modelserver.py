"""Connections of workspaces to the model server."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Redirect, Reply
from agentserver_reference.services import modelserver


async def connect_modelserver(call: Call) -> Redirect:
    """GET /api/workspaces/{workspace_id}/modelserver/connect."""
    server = call.work.context.settings.public_url or f"http://{call.host}"
    page = await modelserver.begin(call.work, call.path["workspace_id"], call.user_id, server)
    return Redirect(page, headers=(("Cache-Control", "no-store"),))


async def get_modelserver_status(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/modelserver/status."""
    return Reply(200, await modelserver.status(call.work, call.path["workspace_id"]))


async def disconnect_modelserver(call: Call) -> Reply:
    """DELETE /api/workspaces/{workspace_id}/modelserver/disconnect."""
    await modelserver.disconnect(call.work, call.path["workspace_id"])
    return Reply(204)
