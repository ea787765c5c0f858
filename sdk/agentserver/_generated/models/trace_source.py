"""The enum `TraceSource`."""

from agentserver._model import OpenEnum


class TraceSource(OpenEnum):
    """Where the id of a trace is from: the request's header for it (`X-Trace-Id`, unless the
    operator has another), else the session of an opencode agent (`X-Opencode-Session` or
    `X-Session-Id`) or of Claude Code (`X-Claude-Code-Session-Id`), else `auto`: the proxy has
    made it.
    """

    HEADER = "header"
    OPENCODE = "opencode"
    CLAUDECODE = "claudecode"
    AUTO = "auto"
