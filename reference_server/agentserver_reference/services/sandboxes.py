"""The list of sandboxes for administrators."""

from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import sandboxes
from agentserver_reference.storage.engine.query import Record


async def list_all(work: UnitOfWork) -> list[Record]:
    """Return all sandboxes, oldest first, without `last_activity_at` if there was no activity."""
    return [_without_unset_activity(row) for row in await work.read(sandboxes.list_all)]


def _without_unset_activity(row: Record) -> Record:
    if row["last_activity_at"] is None:
        del row["last_activity_at"]
    return row
