"""The enum `CodexTurnStatus`."""

from agentserver._model import OpenEnum


class CodexTurnStatus(OpenEnum):
    """How a turn ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
