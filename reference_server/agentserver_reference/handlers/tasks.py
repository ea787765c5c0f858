"""Tasks for agents."""

from agentserver_reference.call import Call
from agentserver_reference.domain.errors import Forbidden
from agentserver_reference.replies import Reply
from agentserver_reference.services import tasks


async def list_workspace_tasks(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/tasks."""
    return Reply(200, await tasks.list_of_workspace(call.work, call.path["workspace_id"]))


async def create_workspace_task(call: Call) -> Reply:
    """POST /api/workspaces/{workspace_id}/tasks."""
    return Reply(201, await tasks.create(call.work, call.path["workspace_id"], call.json))


async def get_task(call: Call) -> Reply:
    """GET /api/tasks/{task_id}."""
    return Reply(200, await tasks.get(call.work, call.path["task_id"]))


async def cancel_task(call: Call) -> Reply:
    """POST /api/tasks/{task_id}/cancel."""
    await tasks.cancel(call.work, call.path["task_id"])
    return Reply(200, {"status": "cancelled"})


async def create_agent_task(call: Call) -> Reply:
    """POST /api/agent/tasks."""
    return Reply(201, await tasks.delegate(call.work, call.agent, call.json))


async def poll_agent_tasks(call: Call) -> Reply:
    """GET /api/agent/tasks/poll."""
    agent = call.agent
    if call.query.get("sandbox_id", "") not in ("", agent.id):
        raise Forbidden("forbidden")
    limit = call.query.get("limit", tasks.MOST_TAKEN)
    return Reply(200, await tasks.poll(call.work, agent, limit))


async def get_agent_task(call: Call) -> Reply:
    """GET /api/agent/tasks/{task_id}."""
    return Reply(200, await tasks.get_as_agent(call.work, call.agent, call.path["task_id"]))


async def update_agent_task_status(call: Call) -> Reply:
    """PUT /api/agent/tasks/{task_id}/status."""
    await tasks.report(call.work, call.agent, call.path["task_id"], call.json)
    return Reply(200)
