"""Who an executor is, for the gateway of executors (see `gateways.executors.remote`)."""

from agentserver_reference.call import Call
from agentserver_reference.domain.agent_identity import Assertion
from agentserver_reference.domain.errors import Unauthenticated
from agentserver_reference.replies import Reply
from agentserver_reference.services import executor_connections

SCHEME = "agent_assertion"
"""How executors prove who they are. Other ways are those of codex's own login, which is no part."""


async def validate(call: Call) -> Reply:
    """POST /internal/codex-auth/validate."""
    body = call.json
    assertion = Assertion.decode(body.get("assertion") or "")
    if body["scheme"] != SCHEME or assertion is None:
        raise Unauthenticated("unauthorized")
    account_id = body.get("account_id") or None
    user_id = await executor_connections.owner(call.work, assertion, account_id)
    return Reply(200, {"user_id": user_id})
