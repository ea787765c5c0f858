"""Removes sessions that have expired, so that their table does not grow."""

from agentserver_reference.context import Context
from agentserver_reference.services import auth
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 600
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop(
        "expired_sessions", INTERVAL, lambda: auth.remove_expired_sessions(UnitOfWork(context))
    )
