"""Whether the server is up."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply


async def check_health(call: Call) -> Reply:
    """GET /healthz: that it answers is the answer."""
    return Reply(200)
