"""Removes what has proved executors and has expired, so that its table does not grow."""

from agentserver_reference.context import Context
from agentserver_reference.services import executor_connections
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 600
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop(
        "expired_proofs", INTERVAL, lambda: executor_connections.remove_expired(UnitOfWork(context))
    )
