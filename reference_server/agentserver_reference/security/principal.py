"""The caller of an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from agentserver_reference.storage.agents import Agent

if TYPE_CHECKING:
    from agentserver_reference.storage.engine.connection import Connection

SERVICE = "service"


@attrs.frozen
class Principal:
    """The authenticated caller, with the roles at this moment."""

    user_id: str | None
    """The account; None for an agent."""
    role: str
    """`user` or `admin` for an account, `agent` for an agent, `service` for another service of the
    installation.
    """
    workspace_role: str | None = None
    """The role in the workspace of the call; None without a workspace, and if not a member."""
    scopes: frozenset[str] | None = None
    """The scopes of the credential; None for a kind of credential without scopes."""
    workspace_id: str | None = None
    """The workspace that the credential was given for; None if it was given for none."""
    agent: Agent | None = None
    """The agent; None for an account."""
    note_use: Callable[[Connection], None] | None = attrs.field(default=None, eq=False, repr=False)
    """Notes in a transaction that the credential was used; None if nothing is to be noted."""
