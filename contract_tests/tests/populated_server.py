"""A server with users that have nothing to do with the contract tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from servers import CHANGED_BY_ITSELF, in_own_process

from agentserver import Client

PASSWORD = "a password of their own"
OPERATOR = "dana@example.org"
USERS = (OPERATOR, "erik@example.org", "fay@example.org")

Rows = dict[str, set[tuple[Any, ...]]]


@contextmanager
def populated_server(folder: Path) -> Iterator[str]:
    """The URL of a server in its own process, its database in `folder`.

    Dana, who registered first, administers it; all three have workspaces, roles and limits.
    """
    with in_own_process(folder) as target:
        clients = {email: _registered(target.base_url, email) for email in USERS}
        dana, erik, fay = clients.values()
        for client in clients.values():
            mine = client.workspaces.create(name="Mine")
            client.workspaces.llm_config.set(
                mine.id,
                base_url="https://models.example.org/v1",
                api_key="sk-of-the-owner",
                models=[{"id": "large", "name": "Large"}],
            )
        shared = erik.workspaces.create(name="Shared")
        erik.workspaces.members.add(shared.id, email=OPERATOR, role="guest")
        erik.workspaces.members.add(shared.id, email=USERS[2], role="owner")
        dana.admin.users.quota.set(fay.auth.me().id, max_workspaces=7)
        dana.admin.workspaces.quota.set(shared.id, max_sandboxes=3)
        dana.admin.workspaces.llm_quota.set(shared.id, max_rpd=100)
        dana.admin.quota_defaults.set(max_workspaces_per_user=5)
        for client in clients.values():
            client.auth.logout()
            client.close()
        yield target.base_url


def rows(folder: Path) -> Rows:
    """Every row of every table, as the server has committed it, but for the workers' leases.

    A server renews those by itself while it runs.
    """
    with closing(sqlite3.connect(folder / "agentserver.db")) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: set(database.execute(f'SELECT * FROM "{name}"'))  # noqa: S608 (its own names)
            for (name,) in tables
            if name not in CHANGED_BY_ITSELF
        }


def _registered(url: str, email: str) -> Client:
    client = Client(url, email=email, password=PASSWORD)
    client.auth.register(email=email, password=PASSWORD)
    return client
