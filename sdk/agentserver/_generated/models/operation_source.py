"""The enum `OperationSource`."""

from agentserver._model import OpenEnum


class OperationSource(OpenEnum):
    """The source of an operation: `sdk` is a turn that was submitted, `tui` a session of a
    terminal, `im` a message of a messaging channel.
    """

    SDK = "sdk"
    TUI = "tui"
    IM = "im"
