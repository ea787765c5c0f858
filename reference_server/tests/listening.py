"""Serves an application on a real socket, in the event loop of the test."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import uvicorn
from serving import in_memory
from starlette.applications import Starlette

from agentserver_reference.http.socket_protocol import SocketProtocol
from agentserver_reference.serve import Server
from agentserver_reference.settings import Settings

SECONDS = 30
"""The timeout of each step, in seconds."""


class _Server(Server):
    """The real server class, but silent, and with an event for its readiness."""

    def __init__(self, config: uvicorn.Config, settings: Settings, stopping: asyncio.Event) -> None:
        super().__init__(config, settings, stopping)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await uvicorn.Server.startup(self, sockets)
        self.ready.set()


@attrs.frozen
class Listening:
    """A server that is ready."""

    address: str
    """Host and port."""
    server: uvicorn.Server
    ended: asyncio.Task[None]

    async def stop(self) -> None:
        """Stop the server, and wait until it has stopped."""
        self.server.should_exit = True
        async with asyncio.timeout(SECONDS):
            await self.ended


@asynccontextmanager
async def listening(app: Starlette, *, pings: float = 20.0) -> AsyncIterator[Listening]:
    """Serve an application, including WebSockets.

    Arguments:
        app: the application.
        pings: seconds between two pings, and for the answer to one.
    """
    stopping = getattr(app.state, "stopping", asyncio.Event())
    config = uvicorn.Config(
        app,
        ws=SocketProtocol,
        ws_ping_interval=pings,
        ws_ping_timeout=pings,
        lifespan="on",
        log_config=None,
        access_log=False,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(config, in_memory(), stopping)
        ended = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(SECONDS):
            await server.ready.wait()
        host, port = listener.getsockname()
        running = Listening(f"{host}:{port}", server, ended)
        try:
            yield running
        finally:
            await running.stop()
