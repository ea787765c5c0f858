"""The terminal in which a page's server runs: what it says can be waited for and read."""

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
        command: as the page gives it.
        folder: where it runs.
        environment: what it runs with; the port is in it.
    """

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        self._said: list[str] = []
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
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._changed:
                    self._said.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def said(self) -> str:
        """All that it said so far."""
        return "".join(self._said)

    def url(self) -> str:
        """Where the server listens, as soon as it does."""
        self.wait(lambda said: READY.search(said) is not None)
        found = READY.search(self.said)
        assert found is not None, f"the server did not start; it said:\n{self.said}"
        return found[1] or found[2]

    def wait(self, satisfied: Callable[[str], bool]) -> None:
        """Wait until what it said satisfies, it has ended, or that takes too long."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or satisfied(self.said), _SECONDS)

    def stop(self) -> None:
        """Press Ctrl+C, and wait for the end, which is to be a graceful one."""
        self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(timeout=_SECONDS)
        finally:
            self._process.kill()
            self._reading.join()
        assert status == 0, f"the server ended with exit status {status}; it said:\n{self.said}"
