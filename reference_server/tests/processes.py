"""The server as it is run: processes of its own, on real sockets, all on one database."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
from databases import CHEAPEST, KEY

import agentserver_reference


@attrs.frozen
class ServingProcess:
    """A server that is ready."""

    url: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serving_processes(database_url: str, number: int) -> Iterator[list[str]]:
    """The URLs of so many servers, started at once and stopped in the end."""
    with mortal_processes(database_url, number) as started:
        yield [each.url for each in started]


@contextmanager
def mortal_processes(database_url: str, number: int) -> Iterator[list[ServingProcess]]:
    """The same servers, each of which the test may kill."""
    with ExitStack() as stack:
        started = [stack.enter_context(_process(database_url)) for _ in range(number)]
        yield [ServingProcess(_url(process), process) for process in started]


@contextmanager
def _process(database_url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "agentserver_reference", "serve", "--port", "0"]
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = inherited | {
        "PYTHONPATH": str(Path(agentserver_reference.__file__).parents[1]),
        "DATABASE_URL": database_url,
        "AGENTSERVER_ENCRYPTION_KEY": KEY,
        "AGENTSERVER_PASSWORD_COST": CHEAPEST,
        "AGENTSERVER_LOG_FORMAT": "json",
        "AGENTSERVER_LOG_LEVEL": "warning",
    }
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line, f"a server did not come up: {process.stderr.read()}"
    url: str = json.loads(line)["url"]
    return url
