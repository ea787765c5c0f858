"""The bench: its table and its JSON, and that what is compared does the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from decoding import answer, readers
from figures import PARTS, bench_table
from peers import statements as sql
from postgres import NoPostgres, own_server
from servers import Server
from stock_client import stock_client
from under_load import WORKSPACES, postgresql_servers, sqlite_servers

from agentserver_contract.fixtures.accounts import Accounts
from agentserver_reference.storage.engine.compiled import compile_statement
from agentserver_reference.storage.engine.connection import Connection

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that the server sends from here on."""
    statements: list[str] = []
    execute = Connection.execute

    def noted(self: Connection, statement: Any, values: Any = ()) -> Any:
        statements.append(compile_statement(statement, self.dialect, tuple(values)).sql)
        return execute(self, statement, values or {})

    monkeypatch.setattr(Connection, "execute", noted)
    return statements


def plain(statements: Sequence[str]) -> list[str]:
    """Without line breaks, quotes and casts, and with one way to write a bind parameter."""
    return [
        re.sub(r"\$\d+(::\w+)?", "?", " ".join(statement.replace('"', "").split()))
        for statement in statements
    ]


def test_the_bare_servers_run_the_statements_of_the_server(
    server: Server, accounts: Accounts, sent: list[str]
) -> None:
    with server.target.client(session=accounts["admin"].session) as client:
        sent.clear()
        made = client.workspaces.create(name="Measured")
        is_postgresql = any("FOR NO KEY UPDATE" in statement for statement in sent)
        lock = sql.LOCK_ON_POSTGRESQL if is_postgresql else sql.LOCK
        assert plain(sent) == plain([lock if each == sql.LOCK else each for each in sql.CREATE])
        for call, statements in (
            (lambda: client.workspaces.get(made.id), sql.READ),
            (client.workspaces.list, sql.LIST),
        ):
            sent.clear()
            call()
            assert plain(sent) == plain(statements)


@pytest.fixture(params=["sqlite", "postgresql"])
def compared(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The seed of a database, and three servers on copies of it."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield stack.enter_context(sqlite_servers())
            return
        try:
            url = stack.enter_context(own_server())
        except NoPostgres as reason:
            pytest.skip(str(reason))
        yield stack.enter_context(postgresql_servers(url))


def test_what_is_compared_answers_the_same(compared: Any) -> None:
    seed, servers = compared
    read, listed, created = [], [], []
    for server in servers.values():
        cookie = {"cookie": f"agentserver-token={seed.reader}"}
        with httpx.Client(base_url=server.url, headers=cookie) as raw:
            assert raw.get("/api/workspaces", headers={"cookie": ""}).status_code == 401
            read.append(raw.get(f"/api/workspaces/{seed.workspace}").raise_for_status().json())
            listed.append(raw.get("/api/workspaces").raise_for_status().json())
            made = raw.post("/api/workspaces", json={"name": "One more"})
            assert made.status_code == 201
            created.append(made.json().keys())
            assert len(raw.get("/api/workspaces").json()) == WORKSPACES + 1
    assert len(servers) == 3
    assert read == [read[0]] * 3
    assert listed == [listed[0]] * 3
    assert len(listed[0]) == WORKSPACES
    assert created == [created[0]] * 3


def test_what_is_compared_decodes_the_same() -> None:
    with stock_client() as (stock, _):
        *objects, plain_json = (read() for read in readers(stock, answer(3)).values())
    for wire, *made in zip(plain_json, *objects, strict=True):
        for name in wire:
            first, *others = (getattr(each, name) for each in made)
            assert others == [first] * len(others)


def test_the_bench_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    command = [sys.executable, str(BENCH), "--quick", "--color", "never", "--only", "decoding"]
    done = subprocess.run([*command, "--json", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert PARTS["decoding"] in done.stderr
    assert "pydantic v2" in done.stdout
    assert "\x1b" not in done.stdout
    found = json.loads(path.read_text("utf-8"))
    assert found.keys() == {"date", "quick", "machine", "versions", "rows"}
    assert found["quick"]
    assert {row["part"] for row in found["rows"]} == {"decoding"}
    for row in found["rows"]:
        assert row["here"]["low"] <= row["here"]["median"] <= row["here"]["high"]
        assert row["ratio"].keys() == {"median", "low", "high"}
    assert "| 1 object |" in bench_table(found)


@pytest.mark.parametrize(
    "part",
    ["sandboxes", "waiters", "proxy", "api_keys", "turns", "executors", "operations", "agents"],
)
def test_a_part_that_runs_the_server_has_its_figures(part: str, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    command = [sys.executable, str(BENCH), "--quick", "--only", part, "--json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = json.loads(path.read_text("utf-8"))["rows"]
    assert {row["part"] for row in rows} == {part}
    # What does nothing may take no time at all.
    assert all(row["here"]["median"] > 0 or "idle" in row["what"] for row in rows)
    if part == "waiters":
        asked = [row["here"]["median"] for row in rows if row["unit"] == "a second"]
        assert asked
        assert all(rate < 12 for rate in asked), "they send ten requests a second together"
