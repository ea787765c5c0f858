"""Takes agents offline that have shown no sign of life for too long."""

from agentserver_reference.context import Context
from agentserver_reference.services import agents
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 30
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop("agent_health", INTERVAL, lambda: agents.mark_silent(UnitOfWork(context)))
