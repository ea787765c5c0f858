"""Removes requests, tokens and logins that have expired, so that their tables do not grow."""

from agentserver_reference.context import Context
from agentserver_reference.services import credential_logins, device_sign_in
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 600
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""

    async def remove() -> int:
        work = UnitOfWork(context)
        return await device_sign_in.remove_expired(work) + await credential_logins.remove_expired(
            work
        )

    return Loop("expired_sign_ins", INTERVAL, remove)
