"""The reference server in memory, without a socket, for the tests of programs that use the SDK.

pytest finds the fixtures by itself: `agentserver_server`, `agentserver_client` and
`async_agentserver_client`. Elsewhere, use `Server` in a ``with`` statement.
"""

from ._calls import Call
from ._clock import Clock
from ._server import Person, Server

__all__ = ["Call", "Clock", "Person", "Server"]
