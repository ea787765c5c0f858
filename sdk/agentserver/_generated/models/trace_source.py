"""The enum `TraceSource`."""

from agentserver._model import OpenEnum


class TraceSource(OpenEnum):
    """Where the id of a trace is from: a header of the request, the session of an opencode or
    Claude Code agent, or `auto` if the proxy has made it.
    """

    HEADER = "header"
    OPENCODE = "opencode"
    CLAUDECODE = "claudecode"
    AUTO = "auto"
