"""A reference server on a real socket, in this process, with something in between to break it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from servers import CHEAPEST_PASSWORDS

from agentserver_reference.app import create_app
from agentserver_reference.settings import Settings

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Send], Awaitable[None]]


@contextmanager
def served(folder: Path, between: Callable[[App], App] = lambda app: app) -> Iterator[str]:
    """The URL of a server whose application is wrapped.

    Args:
        folder: Where its database is.
        between: Makes another application of the right one.
    """
    settings = Settings.from_environment(
        {},
        database_url=f"sqlite:///{folder / 'faulty.db'}",
        password_cost=CHEAPEST_PASSWORDS,
        encryption_key="11" * 32,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(between(create_app(settings)), log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def without_header(name: str) -> Callable[[App], App]:
    """Answers lack a header."""

    def between(app: App) -> App:
        async def changed(scope: Any, receive: Any, send: Send) -> None:
            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [
                        (key, value)
                        for key, value in message["headers"]
                        if key.decode().lower() != name
                    ]
                await send(message)

            await app(scope, receive, sending)

        return changed

    return between
