"""The token of a sandbox, which the agent in it sends as a bearer token."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

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
    """Return the agent that has a token. It has no role in any workspace."""
    agent = agents.find_by_token(conn, token_hash(token))
    return None if agent is None else Principal(None, AGENT, agent=agent)


AGENT_TOKEN = bearer(re.compile("[0-9a-f]{32}"), resolve)
