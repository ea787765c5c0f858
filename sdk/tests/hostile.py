"""Servers that do with each connection what a test says, and calls that must end in time."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from agentserver import AsyncClient, Client, TimedOut, Timeout

DEADLINE = 0.2
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Behaviour = Callable[["Hostile", socket.socket], None]


class Hostile:
    """A server that does with each connection what a test says."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.over = threading.Event()
        self.accepted = 0
        self._behaviour = behaviour
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def stop(self) -> None:
        self.over.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join()

    def send_slowly(self, connection: socket.socket, data: bytes) -> None:
        for byte in data:
            if self.over.wait(0.01):
                return
            connection.sendall(bytes([byte]))

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._behaviour(self, connection)
            except OSError:
                return


def says(*parts: bytes, fast: bool = False) -> Behaviour:
    """Reads the request, sends the first part at once and repeats the last one without end."""

    def behave(server: Hostile, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(parts[0])
        for part in parts[1:-1]:
            server.send_slowly(connection, part)
        while len(parts) > 1 and not server.over.is_set():
            if fast:
                connection.sendall(parts[-1] * 1000)
            else:
                server.send_slowly(connection, parts[-1])
        server.over.wait()

    return behave


def outcome(
    url: str, call: Any, asynchronous: bool, **settings: Any
) -> tuple[Exception | None, float]:
    """The error of a call by either client, and how long the whole program took."""

    async def call_async() -> None:
        async with AsyncClient(url, **settings) as client:
            await client._call(call)

    settings = {"timeout": Timeout.NONE, "deadline": DEADLINE, **settings}
    error: Exception | None = None
    started = time.monotonic()
    try:
        if asynchronous:
            asyncio.run(call_async())
        else:
            with Client(url, **settings) as client:
                client._call(call)
    except Exception as caught:  # the test looks at it
        error = caught
    return error, time.monotonic() - started


def assert_ended_by_deadline(
    error: Exception | None, took: float, phases: tuple[str, ...] = ("connect", "write", "read")
) -> None:
    assert isinstance(error, TimedOut), repr(error)
    assert error.phase in phases
    assert error.__context__ is None
    assert DEADLINE * 0.8 < took < DEADLINE + 3


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
