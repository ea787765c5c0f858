"""Runs the application with uvicorn, from the listening socket to a graceful shutdown."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from agentserver_reference import logs
from agentserver_reference.app import create_app, new_id
from agentserver_reference.console import find_files
from agentserver_reference.contract import load_contract
from agentserver_reference.http.connection import SURPLUS, BoundedProtocol, Limits
from agentserver_reference.memory import long_lived, return_large_blocks
from agentserver_reference.sandbox_backends import summary
from agentserver_reference.settings import Settings, SettingsError, local_url
from agentserver_reference.storage import sqlite_path
from agentserver_reference.storage.serverlock import only_server

GRACE = 30
"""Seconds for running requests to finish during a shutdown."""

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
)

OTHER_FILES = 100
"""Files that the server opens besides its connections: the database, its log, its listener."""

KEEP_ALIVE = 75
"""Seconds before an idle connection is closed. This is longer than clients usually keep connections
in their pools, so that the server does not close one while a request is sent.
"""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; running requests finish first.

    Raises:
        SettingsError: the server cannot listen on the address, or cannot use the data folder.
        StoreError: the database cannot be used.
        BindingError, ContractError: the installed package is broken.
    """
    logs.configure(settings.log_format, settings.log_level)
    return_large_blocks()
    prepare = seeding(settings, settings.seed) if settings.seed else _nothing
    # Called once the server listens, which may be on a free port that the system has chosen.
    with long_lived():
        app = create_app(settings, url=lambda: local_url(*listener.getsockname()[:2]))
    _allow_open_files(settings.max_connections + SURPLUS + OTHER_FILES)
    database = sqlite_path(settings.resolved_database_url)
    with (
        only_server(database),
        listen(settings.host, settings.port) as listener,
        _listen_internally(settings) as internal_listener,
    ):
        config = _config(app, settings)
        sandboxes = summary(app.state.context.sandbox_backend.describe())
        server = Server(config, settings, app.state.stopping, internal_listener, sandboxes)
        # While serving, uvicorn handles two of the signals itself, and raises the one that stopped
        # it again after the shutdown.
        for stop in STOP_SIGNALS:
            if signal.getsignal(stop) != signal.SIG_IGN:  # as nohup ignores SIGHUP
                signal.signal(stop, server.stop)
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_run(app, server, listener, prepare))


def _config(app: Any, settings: Settings) -> uvicorn.Config:
    """Return how uvicorn serves an application."""
    return uvicorn.Config(
        app,
        http=protocol(settings),  # type: ignore[arg-type]
        # Idle WebSockets are pinged, so that one whose other end is gone does not stay open.
        ws=_socket_protocol,  # type: ignore[arg-type]
        ws_per_message_deflate=False,
        # We run the lifespan ourselves, so that its exceptions reach the caller.
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


def protocol(settings: Settings) -> Callable[..., BoundedProtocol]:
    """What makes the protocol of each connection, with the limits that are set."""
    limits = Limits(
        head_bytes=settings.max_head_bytes,
        headers=settings.max_headers,
        request_seconds=settings.request_timeout,
        connections=settings.max_connections,
    )
    return partial(BoundedProtocol, limits=limits, ids=new_id)


def _socket_protocol(*arguments: Any, **named: Any) -> asyncio.Protocol:
    """Return the protocol of a connection that becomes a WebSocket."""
    # Imported late: most servers have no WebSocket.
    from agentserver_reference.http.socket_protocol import SocketProtocol

    return SocketProtocol(*arguments, **named)


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


async def _nothing(_: Starlette) -> None:
    """Without a seed, there is nothing to do before the server listens."""


def seeding(settings: Settings, file: Path) -> Callable[[Starlette], Awaitable[None]]:
    """Read the seed file, and return what makes and prints what it asks for.

    Raises:
        SettingsError: the file is wrong.
    """
    # Imported where it is needed: few servers have a seed, and all others go without PyYAML.
    from agentserver_reference.seed.document import read_seed
    from agentserver_reference.seed.making import Made, make

    contract = load_contract()
    seed = read_seed(file, contract)

    def report(made: Made) -> None:
        password = {} if made.password is None else {"password": made.password}
        if settings.log_format == "json":
            _print(json.dumps({"event": "seeded", "made": made.what, **password}))
        else:
            given = f", password: {made.password}" if made.password is not None else ""
            _print(f"seed: made {made.what}{given}")

    async def prepare(app: Starlette) -> None:
        logger = logging.getLogger(logs.LOGGER)
        level = logger.level
        # What is made is reported, so the single calls need not be logged.
        logger.setLevel(max(level, logging.WARNING))
        try:
            await make(app, contract, seed, report)
        finally:
            logger.setLevel(level)

    return prepare


async def _run(
    app: Starlette,
    server: Server,
    listener: socket.socket,
    prepare: Callable[[Starlette], Awaitable[None]],
) -> None:
    server.opening = asyncio.current_task()
    try:
        async with app.router.lifespan_context(app):
            await prepare(app)
            server.opening = None
            if server.internal_listener is None:
                await server.serve(sockets=[listener])
            else:
                async with serving_internally(app, server.settings, server.internal_listener):
                    await server.serve(sockets=[listener])
    except asyncio.CancelledError:
        if not server.should_exit:
            raise
    logs.event(logging.getLogger(logs.LOGGER), logging.INFO, "stopped", pid=os.getpid())


@asynccontextmanager
async def serving_internally(
    app: Starlette, settings: Settings, listener: socket.socket
) -> AsyncIterator[None]:
    """Serve the internal routes of an application, whose lifespan has begun, on this socket."""
    config = _config(app.state.internal, settings)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    serving = asyncio.create_task(server.main_loop())
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        await server.shutdown(sockets=[listener])


def _listen_internally(settings: Settings) -> AbstractContextManager[socket.socket | None]:
    """Return the listening socket of the internal routes, if they are served."""
    if settings.internal_listen is None:
        return nullcontext()
    return listen(*settings.internal_listen, options=("--internal-listen", "--internal-listen"))


def listen(
    host: str, port: int, *, options: tuple[str, str] = ("--host", "--port")
) -> socket.socket:
    """Return a listening socket; with port 0, on a free port.

    Arguments:
        host: a name or an address.
        port: the port.
        options: what sets host and port, for errors.

    Raises:
        SettingsError: naming the setting to change.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f"{options[0]}: {host} is not an address ({error.strerror})") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"{options[1]}: cannot listen on {host} port {port} ({error.strerror})"
        ) from None
    return listener


class Server(uvicorn.Server):
    """Prints its address when it is ready, and ends streams of events when it shuts down."""

    def __init__(
        self,
        config: uvicorn.Config,
        settings: Settings,
        stopping: asyncio.Event,
        internal_listener: socket.socket | None = None,
        sandboxes: str = "",
    ) -> None:
        super().__init__(config)
        self.settings = settings
        self.internal_listener = internal_listener
        """The listening socket of the internal routes, if they are served."""
        self.sandboxes = sandboxes
        """How they run."""
        self._stopping = stopping
        self.opening: asyncio.Task[Any] | None = None
        """What opens the database, which may not answer, and seeds it; None when that is done."""

    def stop(self, *_: object) -> None:
        """Handle a signal: stop gracefully, or give up opening the database."""
        self.should_exit = True
        if self.opening is not None:
            self.opening.get_loop().call_soon_threadsafe(self.opening.cancel)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Otherwise, the shutdown would wait for streams of events, which do not end.
        self._stopping.set()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            _print(ready_line(self.settings, listener, self.internal_listener))
        logs.event(
            logging.getLogger(logs.LOGGER),
            logging.INFO,
            "started",
            pid=os.getpid(),
            sandboxes=self.sandboxes,
        )


def ready_line(
    settings: Settings, listener: socket.socket, internal_listener: socket.socket | None
) -> str:
    """Return the line that is printed to stdout when the server is ready."""
    url, database = _url(listener), _database(settings)
    internal = {} if internal_listener is None else {"internal": _url(internal_listener)}
    if settings.log_format == "json":
        return json.dumps({"event": "listening", "url": url, **internal, "database": database})
    shown = {"console": f"{url}/docs"} if find_files() else {}
    details = ", ".join(
        f"{name}: {value}" for name, value in (shown | internal | {"data": database}).items()
    )
    return f"agentserver-reference listens on {_bold(url)} ({details})"


def _url(listener: socket.socket) -> str:
    """Return the address by which a listening socket is reached from this machine."""
    return local_url(*listener.getsockname()[:2])


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
    """Return the location of the database, without a password."""
    if settings.is_postgresql:
        return "PostgreSQL"
    path = sqlite_path(settings.resolved_database_url)
    return str(path) if path else "memory"


def _bold(text: str) -> str:
    colourful = sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\x1b[1m{text}\x1b[0m" if colourful else text
