"""The enum `AgentRegistrationType`."""

from agentserver._model import OpenEnum


class AgentRegistrationType(OpenEnum):
    """A kind of agent that can be registered."""

    OPENCODE = "opencode"
    CLAUDECODE = "claudecode"
    CUSTOM = "custom"
