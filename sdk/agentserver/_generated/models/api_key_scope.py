"""The enum `APIKeyScope`."""

from agentserver._model import OpenEnum


class APIKeyScope(OpenEnum):
    """What a program may do with an API key."""

    TURNSSUBMIT = "turns:submit"
