"""The enum `SandboxType`."""

from agentserver._model import OpenEnum


class SandboxType(OpenEnum):
    """A kind of agent that a sandbox can be created for."""

    OPENCODE = "opencode"
    OPENCLAW = "openclaw"
    NANOCLAW = "nanoclaw"
    CLAUDECODE = "claudecode"
    JUPYTER = "jupyter"
