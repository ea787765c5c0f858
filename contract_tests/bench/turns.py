"""Turns of the built-in engine, which asks the built-in model through the LLM proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

from installations import installation
from load import Plan, with_token
from measuring import Effort, Row, alone, in_turns
from under_load import CORES, loaded, own_server

from agentserver import Client

AT_ONCE = (1, 20)


def rows(effort: Effort) -> Iterator[Row]:
    """One after the other and many at once, on each database."""
    with own_server("") as database:
        for name, url in (("SQLite", None), ("PostgreSQL", database)):
            with installation(url) as (server, session):
                with Client(server.url, session=session) as client:
                    workspace = client.workspaces.create(name="Measured")
                    key = client.api_keys.mint(
                        workspace.id, name="Measured", scopes=["turns:submit"]
                    )
                submit = partial(
                    Plan, server.port, "POST", "/api/turns", status=200, cores=CORES.load
                )
                turn = {"workspaceId": workspace.id, "params": {"input": [_QUESTION]}}
                plans = {
                    count: submit(
                        credentials=[with_token(key.secret)] * count,
                        requests=effort.requests // 10,
                        body=json.dumps(turn),
                    )
                    for count in AT_ONCE
                }
                taken = in_turns(
                    effort.loads,
                    {str(count): partial(loaded, server, plan) for count, plan in plans.items()},
                )
            for count, loads in taken.items():
                what = f"{name}: turns, {count} at once"
                yield alone("turns", what, "a second", [each.per_second for each in loads])
            processor = [each.server_ms for each in taken[str(AT_ONCE[-1])]]
            yield alone("turns", f"{name}: CPU of the server for a turn", "ms", processor)


_QUESTION = {"type": "text", "text": "What does the parser do?"}
