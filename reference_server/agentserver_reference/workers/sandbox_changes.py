"""Carries on the changes of sandboxes that the process which began them has left."""

from agentserver_reference.context import Context
from agentserver_reference.services import sandboxes
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 20
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop("sandbox_changes", INTERVAL, lambda: sandboxes.carry_on_all(UnitOfWork(context)))


def take_up(context: Context) -> None:
    """Begin a round at once: after a restart, the lease may still be that of the ended process."""
    context.background("sandbox changes", lambda: sandboxes.carry_on_all(UnitOfWork(context)))
