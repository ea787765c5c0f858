"""The layer of what a server does by itself, on reference servers whose clock is in hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from catalogue import find
from planting import planted
from servers import Server, in_process, prepare_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.access_tokens import VALID
from agentserver_contract.fixtures.accounts import LEAVER
from agentserver_contract.layers import idle
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult


def context_of(server: Server, contract: Contract) -> Context:
    accounts = prepare_accounts(server.target)
    return Context(server.target, accounts, contract, Plan(seed=1), shift_clock=server.shift_clock)


def tried(database_url: str, contract: Contract) -> LayerResult:
    with (
        in_process(database_url, checks_answers=False) as server,
        idle.begun(context_of(server, contract)) as context,
    ):
        return idle.run(context)


def test_what_is_idle_is_paused_and_who_is_silent_is_offline_and_loses_its_task(
    contract: Contract, database_url: str
) -> None:
    result = tried(database_url, contract)
    assert result.holds, findings_text(result.findings)
    assert not result.not_run
    assert result.succeeded["get_sandbox"] >= 4
    assert result.succeeded["get_agent_card"] == 2
    assert result.succeeded["get_agent_task"] >= 1


def test_it_is_looked_at_where_other_layers_have_ended_the_sessions(
    contract: Contract, sqlite_url: str
) -> None:
    with (
        in_process(sqlite_url) as server,
        idle.begun(context_of(server, contract)) as context,
    ):
        with server.target.client(session=context.accounts[LEAVER].session) as client:
            client.auth.logout()
        result = idle.run(context)
    assert result.holds, findings_text(result.findings)


@pytest.mark.parametrize(
    ("fault", "operation", "promise"),
    [
        ("idle-sandboxes-go-on", "pause_sandbox", "is paused within a minute"),
        ("sandboxes-are-paused-too-soon", "pause_sandbox", "goes on"),
        ("offline-is-never-cleared", "upsert_agent_card", "until its next call"),
        ("silent-agents-stay-available", "upsert_agent_card", "until its next call"),
    ],
)
def test_server_that_does_not_is_found(
    contract: Contract, sqlite_url: str, fault: str, operation: str, promise: str
) -> None:
    with planted(find(fault)):
        result = tried(sqlite_url, contract)
    found = [each.promise for each in result.findings if each.operation == operation]
    assert found, findings_text(result.findings)
    assert found[0].endswith(promise)


def test_run_that_is_over_sooner_says_so(contract: Contract, sqlite_url: str) -> None:
    with (
        in_process(sqlite_url) as server,
        idle.begun(replace(context_of(server, contract), shift_clock=None)) as context,
    ):
        result = idle.run(context)
    assert result.holds
    assert result.not_run == {
        "an idle sandbox": "it takes 61 s, and this run was over sooner",
        "the silence of an agent": "it takes 90 s, and this run was over sooner",
    }
    assert result.succeeded["get_agent_task"] == 1, (
        "a task that was taken is looked at all the same"
    )


def test_run_for_another_operation_leaves_nothing_alone(
    contract: Contract, sqlite_url: str
) -> None:
    with in_process(sqlite_url) as server:
        context = context_of(server, contract)
        plan = replace(context.plan, operations=frozenset({"login"}))
        with idle.begun(replace(context, plan=plan)) as begun:
            assert begun.left_alone is None
            assert set(idle.run(begun).not_run) == {idle.NAME}


def test_run_without_an_access_token_tries_sandboxes_alone(
    contract: Contract, sqlite_url: str
) -> None:
    with in_process(sqlite_url) as server:
        context = context_of(server, contract)
        by_name = {name: each for name, each in context.accounts.by_name.items() if name != VALID}
        accounts = replace(context.accounts, by_name=by_name)
        with idle.begun(replace(context, accounts=accounts)) as begun:
            result = idle.run(begun)
    assert result.holds, findings_text(result.findings)
    assert set(result.not_run) == {"the silence of an agent", "a task that was taken"}
