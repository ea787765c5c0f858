"""The enum `OperationSource`."""

from agentserver._model import OpenEnum


class OperationSource(OpenEnum):
    """Where an operation came from: `sdk` is a turn that was submitted, `tui` a session of a
    terminal, `im` a message of a messaging channel.
    """

    SDK = "sdk"
    TUI = "tui"
    IM = "im"
