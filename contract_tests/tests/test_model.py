"""The model layer on reference servers, and that it sees what it is there to see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from servers import Server, in_own_process, in_process, settle

from agentserver_contract.contract import Contract
from agentserver_contract.layers import model
from agentserver_contract.report import findings_text
from agentserver_reference.operations import workspaces
from agentserver_reference.storage import llm_configs, members, quotas


def ticking(server: Server) -> Callable[[], None]:
    def tick() -> None:
        server.clock.now += timedelta(seconds=1)

    return tick


def test_the_server_does_what_the_model_says(
    contract: Contract, database_url: str, seed: int
) -> None:
    with in_process(database_url) as server:
        people = settle(server.target)
        result = model.run(server.target, people, contract, seed=seed, runs=1, tick=ticking(server))
    assert result.holds, findings_text(result.findings)
    assert result.cases.keys() == contract.operations.keys(), "every operation has its part"


def test_the_server_does_what_the_model_says_over_a_socket(
    contract: Contract, tmp_path: Path, seed: int
) -> None:
    with in_own_process(tmp_path) as target:
        people = settle(target)
        result = model.run(target, people, contract, seed=seed, runs=0)
    assert result.holds, findings_text(result.findings)


def test_what_a_play_changed_is_put_back(contract: Contract, sqlite_url: str, seed: int) -> None:
    with in_process(sqlite_url) as server:
        people = settle(server.target)
        before = server.rows()
        model.run(server.target, people, contract, seed=seed, runs=0, tick=ticking(server))
        after = server.rows()
    for table in ("workspaces", "workspace_members", "user_quotas", "workspace_quotas"):
        assert after[table] == before[table], table


def _reversed(function: Callable[..., list[object]]) -> Callable[..., list[object]]:
    return lambda *args: function(*args)[::-1]


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        pytest.param(members, "list_of", _reversed(members.list_of), id="order of members"),
        pytest.param(members, "remove", lambda *_: None, id="nobody is removed"),
        pytest.param(quotas, "delete_of_user", lambda *_: None, id="an override stays"),
        pytest.param(llm_configs, "remove", lambda *_: None, id="an endpoint stays"),
        pytest.param(workspaces, "check_workspaces", lambda *_: None, id="no quota"),
    ],
)
def test_a_write_that_does_not_do_what_it_says_is_seen(
    module: object,
    name: str,
    fault: Callable[..., object],
    contract: Contract,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, name, fault)
    with in_process(sqlite_url) as server:
        people = settle(server.target)
        result = model.run(server.target, people, contract, seed=1, runs=0, tick=ticking(server))
    assert not result.holds
    assert "after these steps" in result.findings[0].detail
