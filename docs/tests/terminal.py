"""The terminal in which a page's server runs; its output can be awaited and read."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

READY = re.compile(r"listens on (http://127\.0\.0\.1:\d+) |\"url\": \"([^\"]+)\"")
_SECONDS = 20


class Terminal:
    """One run of `agentserver-reference serve`.

    Args:
        command: the command as the page shows it.
        folder: the working directory.
        environment: the environment variables, including the port.
    """

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            shlex.split(command),
            cwd=folder,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def output(self) -> str:
        """Everything that the server has printed so far."""
        return "".join(self._lines)

    def url(self) -> str:
        """Where the server listens, as soon as it does."""
        self.wait(lambda output: READY.search(output) is not None)
        found = READY.search(self.output)
        assert found is not None, f"the server did not start; it printed:\n{self.output}"
        return found[1] or found[2]

    def wait(self, satisfied: Callable[[str], bool]) -> None:
        """Wait until the output satisfies a condition, the server exits, or a timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or satisfied(self.output), _SECONDS)

    def stop(self) -> None:
        """Press Ctrl+C and wait for a graceful exit."""
        self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(timeout=_SECONDS)
        finally:
            self._process.kill()
            self._reader.join()
        assert status == 0, f"the server exited with status {status}; it printed:\n{self.output}"
