"""Ends turns whose process has died, so that their threads can go on."""

from agentserver_reference.context import Context
from agentserver_reference.services import turns
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 30
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop("lost_turns", INTERVAL, lambda: turns.end_lost(UnitOfWork(context)))
