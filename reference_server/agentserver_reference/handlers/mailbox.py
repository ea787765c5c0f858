"""Messages between agents."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import mailbox


async def send_agent_message(call: Call) -> Reply:
    """POST /api/agent/mailbox/send."""
    message_id = await mailbox.send(call.work, call.agent, call.json)
    return Reply(201, {"message_id": message_id, "status": "sent"})


async def read_agent_inbox(call: Call) -> Reply:
    """GET /api/agent/mailbox/inbox."""
    limit = call.query.get("limit", mailbox.DEFAULT_LIMIT)
    return Reply(200, await mailbox.read(call.work, call.agent, limit))
