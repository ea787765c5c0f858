"""The enum `SandboxStatus`."""

from agentserver._model import OpenEnum


class SandboxStatus(OpenEnum):
    """The state of a sandbox. `offline` is one that could not be started, or in which nothing
    runs any more.
    """

    CREATING = "creating"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    OFFLINE = "offline"
