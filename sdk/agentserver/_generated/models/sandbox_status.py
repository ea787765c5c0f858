"""The enum `SandboxStatus`."""

from agentserver._model import OpenEnum


class SandboxStatus(OpenEnum):
    """The state of a sandbox."""

    CREATING = "creating"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    OFFLINE = "offline"
