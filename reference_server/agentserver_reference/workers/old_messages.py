"""Removes messages that were delivered a day ago, so that their table does not grow."""

from agentserver_reference.context import Context
from agentserver_reference.services import im_delivery
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 600
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop("old_messages", INTERVAL, lambda: im_delivery.remove_old(UnitOfWork(context)))
