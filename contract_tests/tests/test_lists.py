"""The layer of lists on reference servers, and the faults that it is for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from servers import Server, in_own_process, in_process, prepare_accounts

from agentserver_contract.context import LEFT_OUT, Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import MANY, Accounts, emails_of_many
from agentserver_contract.http.target import Target
from agentserver_contract.layers import lists
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult
from agentserver_reference.storage import members, sandboxes, users, workspaces


def tried(target: Target, accounts: Accounts, contract: Contract, **options: Any) -> LayerResult:
    return lists.run(Context(target, accounts, contract, Plan(seed=1, **options)))


def tried_with_a_clock(server: Server, contract: Contract, operation: str) -> LayerResult:
    """One list, on a server on which no two rows have the same age."""
    return lists.run(
        Context(
            server.target,
            prepare_accounts(server.target),
            contract,
            Plan(seed=1, operations=frozenset({operation})),
            advance_clock=lambda: server.shift_clock(timedelta(seconds=1)),
        )
    )


def test_lists_are_those_operations_that_answer_with_an_array(contract: Contract) -> None:
    assert {each.id for each in lists.lists(contract)} == {
        *("list_workspaces", "list_workspace_members", "list_sandboxes"),
        *("admin_list_users", "admin_list_workspaces", "admin_list_sandboxes"),
        *("list_workspace_agents", "discover_agents", "list_workspace_tasks"),
        "list_agent_interactions",
        *("list_workspace_api_keys", "list_executors", "list_codex_tokens"),
        *("list_codex_browsers", "list_credential_bindings"),
    }


def test_every_list_promises_an_order(contract: Contract) -> None:
    by_name = {"list_workspace_agents", "discover_agents"}
    assert {each.id for each in lists.lists(contract) if not lists.direction_of(each)} == by_name


def test_rows_are_not_made_in_the_order_of_the_alphabet() -> None:
    assert len(set(emails_of_many())) == MANY
    assert emails_of_many() != sorted(emails_of_many())


@pytest.mark.whole
def test_long_lists_show_each_row_also_where_an_earlier_run_has_made_some(
    tmp_path: Path, contract: Contract
) -> None:
    with in_own_process(tmp_path) as target:
        accounts = prepare_accounts(target)
        for _ in range(2):
            result = tried(target, accounts, contract)
            assert result.holds, findings_text(result.findings)
            assert result.not_run.keys() == {
                *("list_workspace_agents", "discover_agents"),
                *("list_workspace_traces in pages", "list_sandbox_traces in pages"),
            }
        with target.client(session=accounts["admin"].session) as client:
            assert len(client.admin.users.list()) > MANY
            left = [each.name for each in client.admin.workspaces.list()]
    assert not [name for name in left if name.startswith("Row-")], "what can be removed is"


def test_without_many_rows_what_is_there_is_read(contract: Contract, sqlite_url: str) -> None:
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        before = server.rows()
        result = tried(server.target, accounts, contract, many_rows=False)
        assert server.rows()["users"] == before["users"]
    assert result.holds, findings_text(result.findings)
    assert result.succeeded["list_workspace_members"] == 1
    assert "list_workspace_members with many rows" in result.not_run


def test_quick_run_makes_lists_of_some_rows_and_says_so(
    contract: Contract, sqlite_url: str
) -> None:
    shown = "list_workspace_tasks"
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        only = frozenset({shown})
        result = tried(server.target, accounts, contract, quick=True, operations=only)
    assert result.holds, findings_text(result.findings)
    assert result.cases["create_workspace_task"] == 11
    assert result.not_run == {f"{shown} with more than 11 rows": LEFT_OUT}


def _first(count: int) -> Callable[..., Any]:
    return lambda right: lambda *args: list(islice(right(*args), count))


def _backwards(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: right(*args)[::-1]


def _some_twice(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: [*right(*args)[:60], *right(*args)[59:]]


def _by_email(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: sorted(right(*args), key=lambda row: str(row["email"]))


@pytest.mark.parametrize(
    ("module", "name", "fault", "operation", "promise"),
    [
        (users, "list_all", _first(100), "admin_list_users", "every row"),
        (workspaces, "list_all", _some_twice, "admin_list_workspaces", "each row once"),
        (workspaces, "list_of_member", _first(50), "list_workspaces", "every row"),
        (members, "list_of", _first(10), "list_workspace_members", "every row"),
        (members, "list_of", _by_email, "list_workspace_members", "order"),
        (workspaces, "list_of_member", _backwards, "list_workspaces", "order"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_fault_of_a_list_is_found_and_the_list_is_named(
    module: object,
    name: str,
    fault: Callable[..., Any],
    operation: str,
    promise: str,
    contract: Contract,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with in_process(sqlite_url) as server:
        monkeypatch.setattr(module, name, fault(getattr(module, name)))
        result = tried_with_a_clock(server, contract, operation)
    assert {finding.operation for finding in result.findings} == {operation}
    assert any(promise in finding.promise for finding in result.findings), findings_text(
        result.findings
    )


def test_sandboxes_are_read_as_they_are(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {
        "id": "same",
        "name": "s",
        "workspace_id": "w",
        "type": "t",
        "status": "running",
        "created_at": "2026-01-01T00:00:00Z",
        "last_activity_at": None,
        "is_local": False,
    }
    monkeypatch.setattr(sandboxes, "list_all", lambda *args: [row, row])
    with in_process(sqlite_url, checks_answers=False) as server:
        accounts = prepare_accounts(server.target)
        result = tried(server.target, accounts, contract, many_rows=False)
    assert {finding.operation for finding in result.findings} == {"admin_list_sandboxes"}
