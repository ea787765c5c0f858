"""Removes the requests and tokens of agents that have expired, so that their tables do not grow."""

from agentserver_reference.context import Context
from agentserver_reference.services import device_sign_in
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 600
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop(
        "expired_sign_ins", INTERVAL, lambda: device_sign_in.remove_expired(UnitOfWork(context))
    )
