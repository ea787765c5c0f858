"""The operations log: what was done in a workspace, and for how long that is known."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from agentserver_reference.domain.times import precise_timestamp
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import operations
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

DEFAULT_LIMIT = 100

BATCH = 500
"""How many operations are removed in one transaction, so that it holds its locks for moments."""


async def list_of_workspace(
    work: UnitOfWork, workspace_id: str, query: Mapping[str, Any]
) -> list[Record]:
    """Return the operations that match, the last begun first."""
    filters = dict(query)
    before, limit = filters.pop("before", None), filters.pop("limit", DEFAULT_LIMIT)
    if "since" in filters:
        filters["since"] = precise_timestamp(datetime.fromisoformat(filters["since"]))
    return await work.read(operations.list_of, workspace_id, filters, before, limit)


async def remove_old(work: UnitOfWork) -> int:
    """Remove the operations that began longer ago than they are kept. Returns how many."""
    days = work.context.settings.operations_retention_days
    if not days:
        return 0
    before = work.context.clock() - timedelta(days=days)
    removed = 0
    while batch := await work.write(Lock(), operations.remove_old, before, BATCH):
        removed += batch
    return removed
