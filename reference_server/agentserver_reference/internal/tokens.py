"""Tokens for the LLM proxy, for services that are given them."""

from agentserver_reference.call import Call
from agentserver_reference.replies import Reply
from agentserver_reference.services import proxy_tokens


async def validate_proxy_token(call: Call) -> Reply:
    """POST /internal/validate-proxy-token."""
    return Reply(200, await proxy_tokens.holder(call.work, call.json["proxy_token"]))


async def get_workspace_token(call: Call) -> Reply:
    """POST /internal/workspace-token."""
    return Reply(
        200, {"token": await proxy_tokens.of_workspace(call.work, call.json["workspace_id"])}
    )
