"""Removes operations from the log that are older than the operator keeps them."""

from agentserver_reference.context import Context
from agentserver_reference.services import operations_log
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 3600
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop("old_operations", INTERVAL, lambda: operations_log.remove_old(UnitOfWork(context)))
