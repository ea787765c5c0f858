"""What the LLM proxy adds to a streamed message, beside the same call of the model itself."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from sys import executable

from canned_model import EVENTS
from children import HERE, free_port, serving
from installations import installation
from measuring import Effort, Row, beside, in_turns

from agentserver import Client

AT_MOST = 1.0
"""Milliseconds that the proxy may add to the first byte, on a quiet machine."""

AT_ONCE = 50

_QUESTION = json.dumps(
    {
        "model": "canned",
        "max_tokens": 1000,
        "stream": True,
        "messages": [{"role": "user", "content": "Hello"}],
    }
)
_LAST = b"\r\n0\r\n\r\n"

Times = tuple[float, float]
"""Milliseconds to the first byte of the answer's body, and to its last one."""


@dataclass
class Connection:
    """A connection that stays open."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request: bytes

    async def ask(self) -> Times:
        """Send the request, and read the stream."""
        began = time.perf_counter()
        self.writer.write(self.request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(head.decode())
        received = await self.reader.read(65536)
        first = time.perf_counter()
        while not received.endswith(_LAST):
            received = received[-len(_LAST) :] + await self.reader.read(65536)
        return (first - began) * 1000, (time.perf_counter() - began) * 1000


def rows(effort: Effort) -> Iterator[Row]:
    """One stream after the other, and many at once."""
    model_port = free_port()
    model = [executable, str(HERE / "canned_model.py"), str(model_port)]
    with (
        tempfile.TemporaryDirectory(prefix="agentserver-bench-") as tokens,
        serving(model, model_port) as upstream,
        installation(ANTHROPIC_BASE_URL=upstream.url, AGENTSERVER_SANDBOX_TOKEN_DIR=tokens) as (
            server,
            session,
        ),
        asyncio.Runner() as runner,
    ):
        with Client(server.url, session=session) as client:
            workspace = client.workspaces.create(name="Measured")
            sandbox = client.sandboxes.create(workspace.id, name="Caller", wait=True)
        token = (Path(tokens) / sandbox.id).read_text()
        ports = {"proxy": server.port, "model": model_port}
        connections = {name: runner.run(_connected(port, token)) for name, port in ports.items()}
        taken = in_turns(
            effort.rounds,
            {
                name: partial(_one_by_one, runner, opened[0], effort.calls)
                for name, opened in connections.items()
            },
        )
        at_once = in_turns(
            effort.rounds,
            {name: partial(_at_once, runner, opened) for name, opened in connections.items()},
        )
    for index, what in enumerate(("first byte", f"stream of {EVENTS} events")):
        own, other = ([times[index] for times in taken[name]] for name in ("proxy", "model"))
        if index == 0:
            added = [one - two for one, two in zip(own, other, strict=True)]
            limit = [AT_MOST] * len(added)
            yield beside(
                *("proxy", "added to the first byte", "ms", added, "the limit", limit), at_most=1
            )
        yield beside("proxy", f"{what}, 1 at once", "ms", own, "the model itself", other)
    for index, what in enumerate(("first bytes", "whole streams")):
        own, other = ([times[index] for times in at_once[name]] for name in ("proxy", "model"))
        yield beside("proxy", f"{what}, {AT_ONCE} at once", "ms", own, "the model itself", other)


async def _connected(port: int, token: str) -> list[Connection]:
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nx-api-key: {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(_QUESTION)}\r\n\r\n"
    )
    request = (head + _QUESTION).encode()
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(AT_ONCE)]
    return [Connection(*streams, request) for streams in opened]


def _one_by_one(runner: asyncio.Runner, connection: Connection, calls: int) -> Times:
    """Return the medians of some streams."""

    async def ask() -> list[Times]:
        return [await connection.ask() for _ in range(calls)]

    taken = runner.run(ask())
    return median(first for first, _ in taken), median(last for _, last in taken)


def _at_once(runner: asyncio.Runner, connections: list[Connection]) -> Times:
    """Return when the last of them had its first byte, and its last one."""

    async def ask() -> list[Times]:
        return await asyncio.gather(*(connection.ask() for connection in connections))

    taken = runner.run(ask())
    return max(first for first, _ in taken), max(last for _, last in taken)
