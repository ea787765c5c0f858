"""The enum `TaskStatus`."""

from agentserver._model import OpenEnum


class TaskStatus(OpenEnum):
    """The state of a task; the last three are final."""

    PENDING = "pending"
    ASSIGNED = "assigned"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
