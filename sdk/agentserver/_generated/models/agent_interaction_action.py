"""The enum `AgentInteractionAction`."""

from agentserver._model import OpenEnum


class AgentInteractionAction(OpenEnum):
    """What was done."""

    TASK_CREATED = "task_created"
    TASK_STATUS_CHANGED = "task_status_changed"
    TASK_CANCELLED = "task_cancelled"
    MESSAGE_SENT = "message_sent"
