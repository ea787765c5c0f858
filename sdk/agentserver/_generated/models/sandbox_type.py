"""The enum `SandboxType`."""

from agentserver._model import OpenEnum


class SandboxType(OpenEnum):
    """The kind of agent that runs in a sandbox."""

    OPENCODE = "opencode"
    OPENCLAW = "openclaw"
    NANOCLAW = "nanoclaw"
    CLAUDECODE = "claudecode"
    JUPYTER = "jupyter"
