"""Agents, their cards, and what they have done."""

from agentserver_reference.call import Call
from agentserver_reference.domain.agents import DEFAULT_REGISTERED_NAME, DEFAULT_REGISTERED_TYPE
from agentserver_reference.replies import Reply
from agentserver_reference.services import agents


async def register_agent(call: Call) -> Reply:
    """POST /api/agent/register."""
    registered = await agents.register(
        call.work,
        call.user_id,
        call.workspace_of_credential,
        call.json.get("name", DEFAULT_REGISTERED_NAME),
        call.json.get("type", DEFAULT_REGISTERED_TYPE),
    )
    return Reply(201, registered)


async def list_workspace_agents(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/agents."""
    return Reply(200, await agents.cards_of(call.work, call.path["workspace_id"]))


async def get_agent_card(call: Call) -> Reply:
    """GET /api/agents/{sandbox_id}."""
    return Reply(200, await agents.card_of(call.work, call.path["sandbox_id"]))


async def discover_agents(call: Call) -> Reply:
    """GET /api/agent/discovery/agents."""
    return Reply(200, await agents.cards_of(call.work, call.agent.workspace_id))


async def upsert_agent_card(call: Call) -> Reply:
    """POST /api/agent/discovery/cards."""
    await agents.publish_card(call.work, call.agent, call.json)
    return Reply(200, {"status": "ok"})


async def list_agent_interactions(call: Call) -> Reply:
    """GET /api/workspaces/{workspace_id}/agent-interactions."""
    limit = call.query.get("limit", agents.DEFAULT_INTERACTIONS)
    offset = call.query.get("offset", 0)
    workspace_id = call.path["workspace_id"]
    return Reply(200, await agents.interactions_of(call.work, workspace_id, limit, offset))
