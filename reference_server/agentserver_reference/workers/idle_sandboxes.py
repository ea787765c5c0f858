"""Pauses sandboxes that have been idle for too long."""

from agentserver_reference.context import Context
from agentserver_reference.services import sandboxes
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 60
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop("idle_sandboxes", INTERVAL, lambda: sandboxes.pause_idle(UnitOfWork(context)))
