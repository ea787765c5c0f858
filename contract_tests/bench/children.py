"""Processes that answer HTTP on this machine, each beside those that it is compared with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

HERE = Path(__file__).parent
OURS, BARE, FASTAPI = "the reference server", "bare Starlette", "FastAPI and SQLAlchemy"

Start = tuple[Callable[[int], list[str]], Mapping[str, str]]
"""The command that serves on a port, and the variables that it needs."""

_PATIENCE = 30.0


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    port: int
    process: subprocess.Popen[bytes]
    seconds_to_first_answer: float

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"


def canned_server(port: int) -> list[str]:
    """The command of the server that answers at once."""
    return [sys.executable, str(HERE / "canned.py"), str(port)]


def uvicorn(app: str, port: int) -> list[str]:
    """The command that serves one of `peers`, as the reference server serves itself."""
    return [
        *(sys.executable, "-m", "uvicorn", f"peers.{app}", "--app-dir", str(HERE)),
        *("--port", str(port), "--loop", "uvloop", "--http", "httptools", "--ws", "none"),
        *("--no-access-log", "--log-level", "error", "--no-server-header", "--no-proxy-headers"),
        *("--timeout-keep-alive", "75"),
    ]


def peer(app: str, database: str) -> Start:
    """What starts one of `peers` on a database."""
    return partial(uvicorn, f"{app}:app"), {"BENCH_DATABASE": database}


def reference_server(folder: Path, port: int) -> list[str]:
    """The command that serves the reference server; it logs none of its answers, as its peers."""
    return [
        *(sys.executable, "-m", "agentserver_reference", "serve", "--port", str(port)),
        *("--data-dir", str(folder), "--log-level", "error", "--password-cost", "m=8,t=1,p=1"),
    ]


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    command: Sequence[str],
    port: int,
    *,
    environment: Mapping[str, str] | None = None,
    cores: Sequence[int] = (),
) -> Iterator[Served]:
    """Run a server until the end of the block.

    Args:
        command: Starts it.
        port: Where it will listen.
        environment: Variables beside those of this process; the server's own do not come along.
        cores: The processors it keeps to; none: all.
    """
    own = {name: text for name, text in os.environ.items() if not name.startswith("AGENTSERVER_")}
    started = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 (commands of this folder)
        command, env=own | dict(environment or {}), stdout=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(process, port)
            seconds = time.perf_counter() - started
            keep_to(cores, process.pid)
            yield Served(port, process, seconds)
        finally:
            process.terminate()


def keep_to(cores: Sequence[int], pid: int) -> None:
    """Keep a process to some processors, where the system can."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, cores)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except (OSError, HTTPException):
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with {process.returncode}") from None
            time.sleep(0.002)  # nothing tells when a port opens
        finally:
            connection.close()
    raise RuntimeError(f"{process.args!r} did not answer in {_PATIENCE:.0f} s")
