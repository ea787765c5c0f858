"""The enum `ReportedTaskStatus`."""

from agentserver._model import OpenEnum


class ReportedTaskStatus(OpenEnum):
    """A state that an agent can report."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
