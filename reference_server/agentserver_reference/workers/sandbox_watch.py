"""Looks after the sandboxes that this process runs, from before it serves until it ends.

It runs in every process, not only in one of them: what runs on a machine can be seen only there.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from agentserver_reference import logs
from agentserver_reference.context import Context
from agentserver_reference.domain.errors import DatabaseUnavailable
from agentserver_reference.services import sandboxes
from agentserver_reference.services.unit_of_work import UnitOfWork

_logger = logging.getLogger(logs.LOGGER)


@asynccontextmanager
async def watched_sandboxes(context: Context) -> AsyncIterator[None]:
    """Find out what an ended process has left, and stop in the end what may not go on alone."""
    interval, work = context.sandbox_backend.interval, UnitOfWork(context)
    if interval is None:
        yield
        return

    async def watch() -> None:
        while True:
            await context.wait(interval)
            try:
                await sandboxes.look(work)
            except DatabaseUnavailable:
                pass  # the store has logged it, once for the whole outage
            except Exception:
                _logger.exception("sandboxes not looked after")

    try:
        await sandboxes.look(work)
        context.background("sandbox watch", watch)
        yield
    finally:
        with suppress(DatabaseUnavailable):  # the next start finds them
            await sandboxes.stop(work)
