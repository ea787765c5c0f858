"""The model layer on reference servers, and that it finds faults."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from servers import Server, in_own_process, in_process, prepare_accounts

from agentserver_contract.context import MAX_FAILURES, Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import Accounts, register
from agentserver_contract.layers import model
from agentserver_contract.model import executors
from agentserver_contract.model.action import ACTIONS, INVARIANTS
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_reference import services
from agentserver_reference.call import Call
from agentserver_reference.domain.errors import Conflict as ServerConflict
from agentserver_reference.domain.errors import NotFound
from agentserver_reference.handlers import workspaces
from agentserver_reference.replies import Reply
from agentserver_reference.services import auth
from agentserver_reference.storage import llm_configs, members, quotas

WITH_FAULTS = frozenset(
    {
        *("get_current_user", "logout"),
        *("create_workspace", "get_workspace_creation_quota"),
        *("add_workspace_member", "update_workspace_member_role", "list_workspace_members"),
        *("set_workspace_llm_config", "get_workspace_llm_config", "delete_workspace_llm_config"),
        *("admin_set_user_quota", "admin_delete_user_quota"),
    }
)
"""What the faults of these tests are about."""


def run_model(
    server: Server,
    contract: Contract,
    *,
    accounts: Accounts | None = None,
    seed: int = 1,
    operations: frozenset[str] | None = WITH_FAULTS,
    max_failures: int = MAX_FAILURES,
) -> LayerResult:
    """Every rule about some operations once, on a server on which no two writes have one time."""

    def advance_clock() -> None:
        server.clock.now += timedelta(seconds=1)

    return model.run(
        Context(
            server.target,
            accounts or prepare_accounts(server.target),
            contract,
            Plan(seed, model_runs=0, max_failures=max_failures, operations=operations),
            advance_clock=advance_clock,
        )
    )


def titles(finding: Finding) -> list[str]:
    """The rules that a finding shows, as the words of their names."""
    return [line[2:] for line in finding.detail.splitlines() if line.startswith("# ")]


def test_usage_and_traces_are_what_was_sent_to_models(
    contract: Contract, tmp_path: Path, seed: int
) -> None:
    named = frozenset({"get_sandbox_usage", "list_sandbox_traces", "get_workspace_trace"})
    with in_own_process(tmp_path) as target:
        accounts = prepare_accounts(target)
        plan = Plan(seed, model_runs=0, operations=named)
        result = model.run(Context(target, accounts, contract, plan))
    assert result.holds, findings_text(result.findings)
    assert not result.not_run
    assert named <= result.succeeded.keys()


def test_whole_model_holds_beside_what_others_have_and_puts_back_what_it_changed(
    contract: Contract, sqlite_url: str, seed: int
) -> None:
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        stranger = register(server.target, "stranger", "stranger@elsewhere.example", "a stranger's")
        with server.target.client(session=stranger.session) as client:
            workspace = client.workspaces.create(name="of a stranger")
        before = server.rows()
        result = run_model(server, contract, accounts=accounts, seed=seed, operations=None)
        after = server.rows()
    assert result.holds, findings_text(result.findings)
    for table, rows in before.items():
        of_stranger = [row for row in rows if stranger.id in row or workspace.id in row]
        assert all(row in after[table] for row in of_stranger), f"changed in {table}"
    for table in ("workspaces", "workspace_members", "user_quotas", "workspace_quotas"):
        assert after[table] == before[table], table


def _reversed(function: Callable[..., list[object]]) -> Callable[..., list[object]]:
    return lambda *args: function(*args)[::-1]


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        pytest.param(members, "list_of", _reversed(members.list_of), id="order of members"),
        pytest.param(members, "remove", lambda *_: None, id="no member is removed"),
        pytest.param(quotas, "delete_of_user", lambda *_: None, id="an override stays"),
        pytest.param(llm_configs, "remove", lambda *_: None, id="an endpoint stays"),
        pytest.param(services.workspaces, "check_workspaces", lambda *_: None, id="no quota"),
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
        result = run_model(server, contract, max_failures=1)
    assert not result.holds
    assert all("after these steps" in finding.detail for finding in result.findings)


def test_one_fault_does_not_hide_another(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm_configs, "remove", lambda *_: None)
    monkeypatch.setattr(quotas, "delete_of_user", lambda *_: None)
    with in_process(sqlite_url) as server:
        result = run_model(server, contract)
    found = {finding.operation for finding in result.findings}
    assert {"get_workspace_llm_config", "get_workspace_creation_quota"} <= found, (
        f"only {sorted(found)}"
    )


def test_failure_that_needs_nothing_before_it_is_shown_alone(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm_configs, "remove", lambda *_: None)
    with in_process(sqlite_url) as server:
        (finding,) = run_model(server, contract, max_failures=1).findings
    assert titles(finding) == [finding.check.replace("_", " ")], finding.detail


def test_write_that_reaches_further_than_its_rule_says_is_seen_and_shown_alone(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = members.set_role

    def removes_the_endpoint_too(connection: Any, workspace_id: str, *args: Any) -> bool:
        llm_configs.remove(connection, workspace_id)
        return right(connection, workspace_id, *args)

    monkeypatch.setattr(members, "set_role", removes_the_endpoint_too)
    for name, action in list(ACTIONS.items()):
        if "members" in action.touches and action.touches != ("members",):  # it may say so
            monkeypatch.delitem(ACTIONS, name)
    with in_process(sqlite_url) as server:
        (finding,) = run_model(server, contract, max_failures=1).findings
    assert finding.operation == "get_workspace_llm_config"
    assert ACTIONS[finding.check].touches == ("members",)
    assert titles(finding) == [finding.check.replace("_", " ")], finding.detail


def test_fault_in_what_a_run_begins_with_is_shown_without_a_rule(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "list_of", _reversed(members.list_of))
    with in_process(sqlite_url) as server:
        (finding,) = run_model(server, contract, max_failures=1).findings
    assert (finding.operation, finding.check) == ("list_workspace_members", "initialize")
    assert not titles(finding)


def test_what_is_wrong_from_the_start_blames_no_rule_and_hides_no_other_fault(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = auth.account

    async def always_user(*args: Any) -> Any:
        return {**await right(*args), "role": "user"}

    monkeypatch.setattr(auth, "account", always_user)
    monkeypatch.setattr(llm_configs, "remove", lambda *_: None)
    with in_process(sqlite_url) as server:
        result = run_model(server, contract)
    wrong = {finding.check: finding for finding in result.findings}
    first = wrong["initialize"]
    assert first.operation == "get_current_user"
    assert "expected" in first.detail.splitlines()[0]
    assert "wrong from the start" in first.detail
    assert ".auth.me()" in first.sent
    found = {finding.operation for finding in result.findings}
    assert "get_workspace_llm_config" in found, f"only {sorted(found)}"
    assert not any("administrator stays" in finding.promise for finding in result.findings)


def test_wrong_status_is_not_reported_as_a_race(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = members.add

    def add(*args: Any, **given: Any) -> None:
        try:
            right(*args, **given)
        except ServerConflict:
            raise NotFound("a member already") from None

    monkeypatch.setattr(members, "add", add)
    with in_process(sqlite_url) as server:
        result = run_model(server, contract)
    assert {finding.operation for finding in result.findings} == {"add_workspace_member"}
    assert not any("at the same time" in finding.promise for finding in result.findings)


def test_all_that_a_rule_touches_is_read_back() -> None:
    shown = {part for each in INVARIANTS for part in each.shows}
    for name, action in ACTIONS.items():
        assert shown.issuperset(action.touches), f"{name} touches what no invariant shows"


def test_key_in_an_answer_is_seen(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = workspaces.set_workspace_llm_config

    @functools.wraps(right)
    async def echoes(call: Call) -> Reply:
        await right(call)
        return Reply(200, {"ok": True, "note": f"stored {call.json.get('api_key')}"})

    monkeypatch.setattr(workspaces, "set_workspace_llm_config", echoes)
    with in_process(sqlite_url, checks_answers=False) as server:
        result = run_model(server, contract)
    broken = {(finding.operation, finding.promise) for finding in result.findings}
    promise = "no answer contains a password or a key"
    assert ("set_workspace_llm_config", promise) in broken, broken


_ID_OR_TIME = r"[0-9a-f-]{36}|\d{4}-\d\d-\d\dT[^']*"


@pytest.mark.parametrize("name", executors.NAMES)
def test_names_in_the_place_of_taken_ones_are_valid(contract: Contract, name: str) -> None:
    operation = contract.operations["register_executor"]
    schema = next(field.schema for field in operation.fields if field.name == "name")
    assert schema is not None
    taken: set[str] = set()
    for _ in range(12):
        free = executors.free_name(name, taken)
        assert contract.validator(schema).is_valid(free), free
        assert free not in taken
        taken.add(free)


def test_rules_about_executors_hold_however_often_they_are_repeated(
    contract: Contract, sqlite_url: str
) -> None:
    """Each makes some that stay, so that the names that it begins with are taken."""
    operations = frozenset({"unbind_executor"})
    with in_process(sqlite_url) as server:
        plan = Plan(seed=1, model_runs=2, model_steps=60, operations=operations)
        result = model.run(Context(server.target, prepare_accounts(server.target), contract, plan))
    assert result.holds, findings_text(result.findings)


def test_same_seed_makes_the_same_steps(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm_configs, "remove", lambda *_: None)
    shown = []
    for number in range(2):
        with in_process(f"sqlite:///{tmp_path / str(number)}.db") as server:
            (finding,) = run_model(server, contract, seed=5, max_failures=1).findings
        shown.append((finding.check, re.sub(_ID_OR_TIME, "...", finding.detail)))
    assert shown[0] == shown[1]


def test_steps_that_are_shown_contain_no_secret(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm_configs, "remove", lambda *_: None)
    monkeypatch.setattr(auth.sessions, "end", lambda *_: None)
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        result = run_model(server, contract, accounts=accounts)
    shown = findings_text(result.findings)
    assert "log_out_of_one_session" in {finding.check for finding in result.findings}
    for account in (*accounts.by_name.values(), *accounts.agents.values()):
        for secret in filter(None, (account.password, account.session, account.token)):
            assert secret not in shown
    assert "sk-" not in shown.replace("sk-...", ""), "a key that was set is shown in full"


def test_finding_carries_the_answer_that_known_departures_are_matched_with(
    contract: Contract, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotFound("not here")

    monkeypatch.setattr(services.members, "check_may_give", refuse)
    with in_process(sqlite_url) as server:
        (finding,) = run_model(server, contract).findings
    assert finding.response is not None
    assert finding.response.status == 404
