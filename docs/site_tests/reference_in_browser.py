"""The reference server in a process of its own, for a browser, and somebody to sign in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADA = {"email": "ada@example.com", "password": 'it\'s "secret" $HOME'}


@contextmanager
def running(folder: Path, *options: str) -> Iterator[str]:
    """The URL of a server with its database in memory."""
    command = [sys.executable, "-m", "agentserver_reference", "serve", "--port", "0", *options]
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://", "HOME": str(folder)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://[^\s,)]+", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.terminate()


def foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:"))
