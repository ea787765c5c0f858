"""What it takes to check an API key: beside the check of a session, and beside a whole read."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from installations import KEY, installation
from load import Plan, with_session, with_token
from measuring import Effort, Row, beside, in_turns
from under_load import CONNECTIONS, CORES, loaded, own_server

from agentserver import Client
from agentserver_reference.security.api_key import API_KEY
from agentserver_reference.settings import Settings
from agentserver_reference.storage import open_store

AT_MOST = 1.05
"""How many times as much a request with a key may take as the same one with a session."""


def rows(effort: Effort) -> Iterator[Row]:
    """On each database."""
    with tempfile.TemporaryDirectory(prefix="agentserver-bench-") as folder:
        yield from _rows(effort, "SQLite", f"sqlite:///{folder}/keys.db")
    with own_server("") as database:
        yield from _rows(effort, "PostgreSQL", database)


def _rows(effort: Effort, name: str, database: str) -> Iterator[Row]:
    with installation(database) as (server, session), asyncio.Runner() as runner:
        with Client(server.url, session=session) as client:
            workspace = client.workspaces.create(name="Measured").id
            key = client.api_keys.mint(workspace, name="Measured", scopes=["turns:submit"]).secret
        send = partial(Plan, server.port, requests=effort.requests, cores=CORES.load)
        # The one operation that takes both refuses this when it has checked who calls.
        refused = json.dumps({"workspaceId": workspace, "params": {"threadId": "in its place"}})
        submit = partial(send, "POST", "/api/turns", status=400, body=refused)
        by_key, by_session = (
            [each] * CONNECTIONS for each in (with_token(key), with_session(session))
        )
        plans = {
            "key": submit(credentials=by_key),
            "session": submit(credentials=by_session),
            "read": send("GET", f"/api/workspaces/{workspace}", credentials=by_session, status=200),
        }

        def used(plan: Plan) -> float:
            return loaded(server, plan).server_ms * 1000

        taken = in_turns(
            effort.loads,
            {what: partial(used, plan) for what, plan in plans.items()}
            | {"check": lambda: runner.run(_check(database, key, workspace, effort.requests))},
        )
    yield beside(
        *("api_keys", f"{name}: CPU of a request with a key", "µs", taken["key"]),
        *("with a session", taken["session"]),
        at_most=AT_MOST,
    )
    yield beside(
        *("api_keys", f"{name}: CPU of the check of a key alone", "µs", taken["check"]),
        *("a whole read", taken["read"]),
    )


async def _check(database: str, key: str, workspace_id: str, times: int) -> float:
    """Return the CPU time of checking a key, in microseconds, as the server does it."""
    store = open_store(Settings.from_environment(KEY, database_url=database))
    await store.open()
    try:
        began = time.process_time()
        for _ in range(times):
            if await store.read(API_KEY.resolve, key, workspace_id, datetime.now(UTC)) is None:
                raise RuntimeError("the key is not valid")
        return (time.process_time() - began) / times * 1e6
    finally:
        await store.close()
