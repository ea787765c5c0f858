"""Serving: a socket of our own, the application's lifespan around it, a graceful end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from agentserver_reference import logs
from agentserver_reference.app import create_app, new_id
from agentserver_reference.console import find_files
from agentserver_reference.http.connection import SURPLUS, BoundedProtocol, Limits
from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import sqlite_path
from agentserver_reference.storage.serverlock import only_server

GRACE = 30
"""Seconds that requests in flight may take to finish once the server is told to stop."""

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is read, not listened on
"""A server that listens on every address is reached at this one from its own machine."""

OTHER_FILES = 100
"""Files that the server opens besides its connections: the database, its log, its listener."""

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than clients keep one in their pools, so that
none is closed under a request that is just being sent.
"""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; requests in flight finish first.

    Raises:
        SettingsError: the address cannot be listened on, or the data folder not be used.
        StoreError: the database cannot be used.
        BindingError, ContractError: the installation is broken.
    """
    logs.configure(settings.log_format, settings.log_level)
    app = create_app(settings)
    _allow_open_files(settings.max_connections + SURPLUS + OTHER_FILES)
    database = sqlite_path(settings.resolved_database_url)
    with only_server(database), listen(settings.host, settings.port) as listener:
        config = uvicorn.Config(
            app,
            http=protocol(settings),  # type: ignore[arg-type]
            ws="none",
            # The lifespan runs around the server, so that its errors reach the caller as they are.
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
        )
        server = Server(config, settings, app.state.stopping)
        # While it serves, uvicorn handles two of the signals itself. It raises the one that stopped
        # it once more when all is done.
        for stop in STOP_SIGNALS:
            if signal.getsignal(stop) != signal.SIG_IGN:  # as nohup ignores SIGHUP
                signal.signal(stop, server.stop)
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_run(app, server, listener))


def protocol(settings: Settings) -> Callable[..., BoundedProtocol]:
    """What makes the protocol of each connection, with the limits that are set."""
    limits = Limits(
        head_bytes=settings.max_head_bytes,
        headers=settings.max_headers,
        request_seconds=settings.request_timeout,
        connections=settings.max_connections,
    )
    return partial(BoundedProtocol, limits=limits, ids=new_id)


def _allow_open_files(number: int) -> None:
    """Raise this process's limit of open files, as far as the system lets it, to so many."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _run(app: Starlette, server: Server, listener: socket.socket) -> None:
    server.opening = asyncio.current_task()
    try:
        async with app.router.lifespan_context(app):
            server.opening = None
            await server.serve(sockets=[listener])
    except asyncio.CancelledError:
        if not server.should_exit:
            raise
    logs.event(logging.getLogger(logs.LOGGER), logging.INFO, "stopped", pid=os.getpid())


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; with port 0 the system takes a free one.

    Raises:
        SettingsError: naming the setting that has to change.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f"--host: {host} is no address ({error.strerror})") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"--port: cannot listen on {host} port {port} ({error.strerror})"
        ) from None
    return listener


class Server(uvicorn.Server):
    """Says where it listens as soon as it does, and ends streams when it is told to stop."""

    def __init__(self, config: uvicorn.Config, settings: Settings, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._settings = settings
        self._stopping = stopping
        self.opening: asyncio.Task[Any] | None = None
        """What opens the database, which may not answer; None as soon as it has."""

    def stop(self, *_: object) -> None:
        """Handle a signal: stop gracefully, or give up opening the database."""
        self.should_exit = True
        if self.opening is not None:
            self.opening.get_loop().call_soon_threadsafe(self.opening.cancel)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A stream of events has no end of its own that could be waited for.
        self._stopping.set()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            _print(ready_line(self._settings, listener))
        logs.event(logging.getLogger(logs.LOGGER), logging.INFO, "started", pid=os.getpid())


def ready_line(settings: Settings, listener: socket.socket) -> str:
    """What a person or a program reads on stdout once the server takes requests."""
    host, port = listener.getsockname()[:2]
    host = LOOPBACK.get(host, host)
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    database = _database(settings)
    if settings.log_format == "json":
        return json.dumps({"event": "listening", "url": url, "database": database})
    console = f"console: {url}/docs, " if find_files() else ""
    return f"agentserver-reference listens on {_bold(url)} ({console}data: {database})"


def _print(line: str) -> None:
    """Print the line, whatever the terminal can show; a closed pipe is no reason to stop."""
    if sys.stdout is None:
        return
    encoding = sys.stdout.encoding or "ascii"
    try:
        print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError:
        # What is left in its buffer would fail once more at the end of the process.
        sys.stdout = Path(os.devnull).open("w", encoding="ascii")  # noqa: SIM115


def _database(settings: Settings) -> str:
    """Where the state lies, without a password."""
    if settings.is_postgresql:
        return "PostgreSQL"
    path = sqlite_path(settings.resolved_database_url)
    return str(path) if path else "memory"


def _bold(text: str) -> str:
    colourful = sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\x1b[1m{text}\x1b[0m" if colourful else text
