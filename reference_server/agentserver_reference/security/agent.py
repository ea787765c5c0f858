"""The token of a sandbox, which the agent in it sends as a bearer token."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from agentserver_reference.domain.agents import is_due
from agentserver_reference.domain.roles import AGENT
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.security.bearer import bearer
from agentserver_reference.security.principal import Principal
from agentserver_reference.storage import agents

if TYPE_CHECKING:
    from agentserver_reference.storage.engine.connection import Connection

SCHEME = "agentToken"
"""Its name in the contract's `securitySchemes`."""


def resolve(
    conn: Connection, token: str, workspace_id: str | None, now: datetime
) -> Principal | None:
    """Return the agent that has a token. It has no role in any workspace.

    Each use is a sign of life, which is no act of the agent's own: it does no harm if it is noted
    after the token has ended.
    """
    agent = agents.find_by_token(conn, token_hash(token))
    if agent is None:
        return None
    note_use = None
    if is_due(agent.last_heartbeat_at, now):
        note_use = partial(agents.touch, sandbox_id=agent.id, now=now)
    return Principal(None, AGENT, agent=agent, note_use=note_use)


AGENT_TOKEN = bearer(re.compile("[0-9a-f]{32}"), resolve)
