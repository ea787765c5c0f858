"""Messages between the agents of a workspace."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agentserver_reference.services.agents import check_target
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import agent_interactions, agent_mailbox
from agentserver_reference.storage.agents import Agent
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

DEFAULT_LIMIT = 10
DEFAULT_TYPE = "text"


async def send(work: UnitOfWork, agent: Agent, given: Mapping[str, Any]) -> str:
    """Send a message, and return its id. Raises NotFound, Forbidden."""
    message_id = f"msg_{work.context.ids()}"
    lock = Lock(workspace=agent.workspace_id)
    await work.write(lock, _send, agent, message_id, given, work.context.clock())
    return message_id


def _send(
    conn: Connection, agent: Agent, message_id: str, given: Mapping[str, Any], now: datetime
) -> None:
    recipient, msg_type = given["to"], given.get("msg_type") or DEFAULT_TYPE
    check_target(conn, agent.workspace_id, recipient)
    agent_mailbox.add(
        conn,
        message_id=message_id,
        workspace_id=agent.workspace_id,
        sender=agent.id,
        recipient=recipient,
        text=given["text"],
        msg_type=msg_type,
        now=now,
    )
    agent_interactions.add(
        conn,
        workspace_id=agent.workspace_id,
        actor_id=agent.id,
        action="message_sent",
        target_id=message_id,
        target_type=agent_interactions.MESSAGE,
        detail={"to": recipient, "msg_type": msg_type},
        now=now,
    )


async def read(work: UnitOfWork, agent: Agent, limit: int) -> list[Record]:
    """Return the oldest unread messages to an agent, which are read from then on."""
    if not await work.read(agent_mailbox.has_unread, agent.id):
        return []
    return await work.change(agent_mailbox.take, agent.id, limit, work.context.clock())
