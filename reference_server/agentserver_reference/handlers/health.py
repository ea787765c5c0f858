"""Whether the server is up."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply


async def check_health(call: Call) -> Reply:
    """GET /healthz: a response means that the server is up."""
    return Reply(200)
