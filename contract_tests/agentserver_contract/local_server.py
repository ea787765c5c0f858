"""The reference server in a process of its own, for the demo, the benchmark and the tests here."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ANNOUNCED = re.compile(r"http://127\.0\.0\.1:\d+")
_SECONDS_TO_STOP = 30


class ServerDidNotStart(RuntimeError):
    """The server ended before it listened; the message is what it said."""


@contextmanager
def running(folder: Path, *options: str, **variables: str) -> Iterator[str]:
    """Run `agentserver-reference serve` on a free port, and stop it as an operator would.

    Args:
        folder: Where it keeps its database.
        options: More of its command line.
        variables: More of its environment.

    Yields:
        The URL at which it listens.

    Raises:
        ServerDidNotStart: It ended first.
    """
    command = [sys.executable, "-m", "agentserver_reference", "serve", "--port", "0"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AGENTSERVER_")}
    log = folder / "server.log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(  # noqa: S603 (the project's own server, with options of our own)
            [*command, "--data-dir", str(folder), *options],
            env=environment | {"PYTHONUNBUFFERED": "1"} | variables,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            yield _announced_url(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=_SECONDS_TO_STOP)


def _announced_url(process: subprocess.Popen[str], log: Path) -> str:
    said: list[str] = []
    for line in process.stdout or ():
        said.append(line)
        if found := _ANNOUNCED.search(line):
            return found.group()
    raise ServerDidNotStart("".join(said) + log.read_text())
