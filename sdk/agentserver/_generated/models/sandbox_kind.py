"""The enum `SandboxKind`."""

from agentserver._model import OpenEnum


class SandboxKind(OpenEnum):
    """The kind of agent that runs in a sandbox; `custom` for one that was registered as such."""

    OPENCODE = "opencode"
    OPENCLAW = "openclaw"
    NANOCLAW = "nanoclaw"
    CLAUDECODE = "claudecode"
    JUPYTER = "jupyter"
    CUSTOM = "custom"
