"""The reference server in memory, without a socket, for the tests of programs that use the SDK.

pytest finds the fixtures by itself: `agentserver_server`, `agentserver_client` and
`async_agentserver_client`. Elsewhere, use `Server` in a ``with`` statement.
"""

from typing import TYPE_CHECKING, Any

from ._calls import Call
from ._clock import Clock
from ._server import Person, Server

if TYPE_CHECKING:
    from ._agents import RunningAgent

__all__ = ["Call", "Clock", "Person", "RunningAgent", "Server"]


def __getattr__(name: str) -> Any:
    if name == "RunningAgent":
        from ._agents import RunningAgent

        return RunningAgent
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
