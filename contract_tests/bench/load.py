"""Load in a process of its own: connections that stay open, each with a request always under way.

`python load.py` reads a plan as JSON from stdin and prints the seconds that it took.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from children import HERE, keep_to


@dataclass(frozen=True)
class Plan:
    """What is sent."""

    port: int
    method: str
    path: str
    credentials: Sequence[str]
    """A connection for each, which sends it as a header."""
    requests: int
    """In all."""
    status: int
    """What every answer must have."""
    body: str = ""
    cores: Sequence[int] = ()
    """The processors that the load keeps to; none: all."""


def seconds_for(plan: Plan) -> float:
    """How long the requests took that a process of its own sent."""
    command = [sys.executable, str(HERE / "load.py")]
    done = subprocess.run(  # noqa: S603 (a file of this folder)
        command, check=True, input=json.dumps(asdict(plan)).encode(), stdout=subprocess.PIPE
    )
    return float(done.stdout)


def with_session(session: str) -> str:
    """The credential that browsers send."""
    return f"Cookie: agentserver-token={session}"


def with_token(token: str) -> str:
    """The credential that programs send."""
    return f"Authorization: Bearer {token}"


def _request(plan: Plan, credential: str) -> bytes:
    head = f"{plan.method} {plan.path} HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\n"
    head += f"Accept: application/json\r\n{credential}\r\n"
    if plan.body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(plan.body)}\r\n"
    return f"{head}\r\n{plan.body}".encode()


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is whole."""

    def __init__(self, request: bytes, status: int, turns: Iterator[int]) -> None:
        self._request, self._turns = request, turns
        self._start = f"HTTP/1.1 {status} ".encode()
        self._received = b""
        self._whole = -1
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server hung up"))

    def go_on(self) -> None:
        """Send the next request, if there is one left."""
        if next(self._turns, None) is None:
            self.done.set_result(None)
        else:
            self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._whole < 0:
            self._whole = self._size()
        if 0 <= self._whole <= len(self._received):
            self._received, self._whole = b"", -1
            self.go_on()

    def _size(self) -> int:
        """How long the answer is, once its head is here; -1 before."""
        head, end, _ = self._received.partition(b"\r\n\r\n")
        if not end:
            return -1
        if not head.startswith(self._start):
            self.done.set_exception(ValueError(self._received.decode("utf-8", "replace")))
            self._transport.abort()
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return len(head) + len(end) + int(length)


async def _run(plan: Plan) -> float:
    loop = asyncio.get_running_loop()
    turns = iter(range(plan.requests))
    connections = []
    for credential in plan.credentials:
        request = _request(plan, credential)
        _, connection = await loop.create_connection(
            lambda request=request: _Connection(request, plan.status, turns),
            "127.0.0.1",
            plan.port,
        )
        connections.append(connection)
    started = time.perf_counter()
    for connection in connections:
        connection.go_on()
    await asyncio.gather(*(connection.done for connection in connections))
    return time.perf_counter() - started


if __name__ == "__main__":
    import uvloop

    plan = Plan(**json.load(sys.stdin))
    keep_to(plan.cores, os.getpid())
    print(uvloop.run(_run(plan)))
