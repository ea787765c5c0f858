"""The enum `AgentInteractionTarget`."""

from agentserver._model import OpenEnum


class AgentInteractionTarget(OpenEnum):
    """What it was done to."""

    TASK = "task"
    MESSAGE = "message"
