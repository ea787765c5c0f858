"""Agents: how one is registered, whether it can be reached, and what its card says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agentserver_reference.domain import agents as domain
from agentserver_reference.domain import sandboxes as sandbox_domain
from agentserver_reference.domain.errors import Forbidden, NotFound
from agentserver_reference.domain.roles import may_register_agents
from agentserver_reference.domain.tokens import sandbox_token, token_hash
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import agent_interactions, agents, members, sandboxes
from agentserver_reference.storage.agents import Agent
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

DEFAULT_INTERACTIONS = 50


async def register(
    work: UnitOfWork, user_id: str, workspace_id: str, name: str, type: str
) -> Record:
    """Register an agent that runs on a person's own machine, and return its tokens.

    Its sandbox uses no quota. The tokens are valid as long as the person is a member; only their
    hashes are kept.

    Raises Forbidden if the person may not: a guest, or no member.
    """
    context = work.context
    proxy_token, tunnel_token = (sandbox_token(context.tokens()) for _ in range(2))
    created = await work.write(
        Lock(workspace=workspace_id),
        _register,
        user_id,
        workspace_id,
        name,
        type,
        context.ids(),
        sandbox_domain.short_id(context.tokens()),
        token_hash(proxy_token),
        token_hash(tunnel_token),
        context.clock(),
    )
    return {
        "sandbox_id": created["id"],
        "tunnel_token": tunnel_token,
        "proxy_token": proxy_token,
        "workspace_id": workspace_id,
        "short_id": created["short_id"],
    }


def _register(
    conn: Connection,
    user_id: str,
    workspace_id: str,
    name: str,
    type: str,
    sandbox_id: str,
    short_id: str,
    proxy_token_hash: str,
    tunnel_token_hash: str,
    now: datetime,
) -> Record:
    membership = members.membership_of(conn, workspace_id, user_id)
    if membership is None or not may_register_agents(membership[1]):
        raise Forbidden("no permission to register agent in this workspace")
    return sandboxes.add(
        conn,
        sandbox_id=sandbox_id,
        short_id=short_id,
        workspace_id=workspace_id,
        name=name,
        type=type,
        status=sandbox_domain.RUNNING,
        is_local=True,
        now=now,
        last_activity_at=now,
        last_heartbeat_at=now,
        token_hash=proxy_token_hash,
        tunnel_token_hash=tunnel_token_hash,
        registered_by=membership[0],
    )


# --- signs of life --------------------------------------------------------------------------------


async def mark_silent(work: UnitOfWork) -> int:
    """Take the agents offline that have been silent for too long, and return their number."""
    last = work.context.clock() - domain.SILENCE
    return await work.write(Lock(), agents.mark_silent, last)


# --- cards ----------------------------------------------------------------------------------------


async def cards_of(work: UnitOfWork, workspace_id: str) -> list[Record]:
    """Return the cards of a workspace, sorted by name."""
    # Not sorted by the database, whose order of text depends on how it was set up.
    cards = await work.read(agents.cards_of, workspace_id)
    return sorted(cards, key=lambda card: (card["display_name"], card["agent_id"]))


async def card_of(work: UnitOfWork, sandbox_id: str) -> Record:
    """Return the card of a sandbox's agent. Raises NotFound."""
    found = await work.read(agents.card_of, sandbox_id)
    if found is None:
        raise NotFound("agent card not found")
    return found


async def publish_card(work: UnitOfWork, agent: Agent, given: Mapping[str, Any]) -> None:
    """Publish or replace the card of an agent."""
    card = given.get("card", {})
    await work.write(
        Lock(workspace=agent.workspace_id),
        agents.publish_card,
        agent,
        display_name=given.get("display_name") or agent.name,
        description=given.get("description", ""),
        agent_type=given.get("agent_type") or domain.DEFAULT_CARD_TYPE,
        card=card,
        now=work.context.clock(),
    )


# --- what agents do with each other ---------------------------------------------------------------


def check_target(conn: Connection, workspace_id: str, sandbox_id: str) -> None:
    """Raise NotFound or Forbidden unless a sandbox is one of the workspace."""
    found = sandboxes.workspace_of(conn, sandbox_id)
    if found is None:
        raise NotFound("target agent not found")
    if found != workspace_id:
        raise Forbidden("target agent not in workspace")


async def interactions_of(
    work: UnitOfWork, workspace_id: str, limit: int, offset: int
) -> list[Record]:
    """Return what was done in a workspace, newest first, without `detail` where there is none."""
    rows = await work.read(agent_interactions.list_of, workspace_id, limit, offset)
    return [
        {name: value for name, value in row.items() if name != "detail" or value is not None}
        for row in rows
    ]
