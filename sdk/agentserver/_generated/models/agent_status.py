"""The enum `AgentStatus`."""

from agentserver._model import OpenEnum


class AgentStatus(OpenEnum):
    """Whether an agent has shown a sign of life in the last minute."""

    AVAILABLE = "available"
    OFFLINE = "offline"
