"""The reference server on an empty database, with its first person."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from children import Served, free_port, reference_server, serving

from agentserver import Client

KEY = {"AGENTSERVER_ENCRYPTION_KEY": "11" * 32}


@contextmanager
def installation(database: str | None = None, **environment: str) -> Iterator[tuple[Served, str]]:
    """Run the server, and return it with the session of its administrator.

    Args:
        database: The URL of its database; None: SQLite.
        environment: Variables for it.
    """
    with tempfile.TemporaryDirectory(prefix="agentserver-bench-") as name:
        port = free_port()
        command = reference_server(Path(name), port)
        command += [] if database is None else ["--database-url", database]
        with (
            serving(command, port, environment=KEY | environment) as server,
            Client(server.url) as client,
        ):
            account = {"email": "admin@example.com", "password": "a password for the bench"}
            client.auth.register(**account)
            yield server, _session(server.url, account)


def _session(url: str, account: dict[str, str]) -> str:
    with httpx.Client(base_url=url) as raw:
        raw.post("/api/auth/login", json=account).raise_for_status()
        return raw.cookies["agentserver-token"]
