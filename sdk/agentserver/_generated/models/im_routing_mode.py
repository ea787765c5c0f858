"""The enum `IMRoutingMode`."""

from agentserver._model import OpenEnum


class IMRoutingMode(OpenEnum):
    """Who is given the messages of a channel: `codex`, the coding agent of the workspace, or
    `nanoclaw`, what runs in the sandbox that the channel is bound to.
    """

    NANOCLAW = "nanoclaw"
    CODEX = "codex"
