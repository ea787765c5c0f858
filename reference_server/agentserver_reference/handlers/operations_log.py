"""What was done in workspaces."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import operations_log


async def list_workspace_operations(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/operations."""
    workspace_id = call.path["workspace_id"]
    rows = await operations_log.list_of_workspace(call.work, workspace_id, call.query)
    return Reply(200, {"operations": rows})
