"""Returns tasks whose claim has lapsed, and ends those whose time is over."""

from agentserver_reference.context import Context
from agentserver_reference.services import tasks
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.workers.runner import Loop

INTERVAL = 5
"""Seconds between two rounds."""


def loop(context: Context) -> Loop:
    """The loop, for the runner."""
    return Loop("overdue_tasks", INTERVAL, lambda: tasks.end_overdue(UnitOfWork(context)))
