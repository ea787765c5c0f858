"""Turns of codex."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply, WhileConnected
from agentserver_reference.services import turns


async def submit_turn(call: Call) -> WhileConnected:
    """POST /api/turns."""

    async def make() -> Reply:
        answer = await turns.submit(
            call.work,
            call.json,
            user_id=call.person_id,
            key=call.headers.get("Idempotency-Key"),
            request_id=call.request_id,
        )
        return Reply(200, answer)

    return WhileConnected(make)
