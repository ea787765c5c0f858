"""Traces of language-model requests."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import traces


async def list_workspace_traces(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/traces."""
    workspace_id = call.path["workspace_id"]
    return Reply(200, await traces.list_of_workspace(call.work, workspace_id, *_page(call)))


async def get_workspace_trace(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/traces/{trace_id}."""
    workspace_id, trace_id = call.path["workspace_id"], call.path["trace_id"]
    return Reply(200, await traces.get_of_workspace(call.work, workspace_id, trace_id))


async def list_sandbox_traces(call: Call) -> Reply:
    """GET /api/sandboxes/{sandbox_id}/traces."""
    sandbox_id = call.path["sandbox_id"]
    return Reply(200, await traces.list_of_sandbox(call.work, sandbox_id, *_page(call)))


async def get_sandbox_trace(call: Call) -> Reply:
    """GET /api/sandboxes/{sandbox_id}/traces/{trace_id}."""
    sandbox_id, trace_id = call.path["sandbox_id"], call.path["trace_id"]
    return Reply(200, await traces.get_of_sandbox(call.work, sandbox_id, trace_id))


def _page(call: Call) -> tuple[int, int]:
    """Return limit and offset."""
    return call.query.get("limit", traces.DEFAULT_LIMIT), call.query.get("offset", 0)
