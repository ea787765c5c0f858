"""All layers together, in process; the rate limit and the count of statuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from servers import in_process, prepare_accounts, reset_accounts

from agentserver_contract import run as runs
from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.agents import SCHEME
from agentserver_contract.http.messages import Request, Response
from agentserver_contract.http.rate_limit import RateLimit
from agentserver_contract.http.status_counter import StatusCounter
from agentserver_contract.layers import stateful
from agentserver_contract.reports.text import findings_text, result_text
from agentserver_contract.results.answers import AnswerChecks
from agentserver_contract.results.findings import LayerResult

A_REQUEST = Request("GET", "/healthz", {})
REFUSALS = 10
"""Of an operation, at least, on the average."""
SUCCEED_BY_LINKS = 6
"""Operations on a thing that a few scenarios have made and then called, whatever the seed."""


# On SQLite, a whole run is made by URL: test_populated_server.py.
@pytest.mark.whole
def test_every_layer_holds_and_the_gate_finds_nothing_missing(
    contract: Contract, postgresql_url: str, seed: int
) -> None:
    counter, answers = StatusCounter(contract), AnswerChecks(contract, closed=True)
    with in_process(postgresql_url, hooks=[counter, answers]) as server:
        accounts = prepare_accounts(server.target)
        context = Context(
            server.target,
            accounts,
            contract,
            # Layer values has most of the schemas' bounds, and test_fuzzing.py the others.
            Plan(seed, examples=2, scenarios=10, model_runs=1, boundaries=False),
            reset=lambda: reset_accounts(accounts),
            shift_clock=server.shift_clock,
            advance_clock=lambda: server.shift_clock(timedelta(seconds=1)),
            snapshot=server.rows,
        )
        outcome = runs.run(context, counter, answers)
    for result in outcome.results:
        print(result_text(result))
    assert outcome.holds, findings_text(outcome.unexplained)
    waived = {reason for layer, _, reason in outcome.not_run}
    assert waived == {
        "only a server whose operator has switched password accounts off answers this",
        "only a server whose language-model proxy is unreachable or switched off answers this",
        # In process, where no model is asked:
        "a trace is made by an agent that asks a language model, and the server has none",
        "there are fewer than two rows",
        "the run has no access token, or no language model answers its agents",
        "only a server whose OAuth provider is unreachable or switched off answers this",
        "only a server whose gateway of executors is unreachable or switched off answers this",
        (
            "only a server whose services accept the tokens of a run, or are unreachable or "
            "switched off, answers this"
        ),
        (
            "only a server whose WeChat is simulated, or unreachable, or switched off, answers "
            "this, and some of it in races alone"
        ),
        "a login is begun at an OpenID provider that the server can reach, and a run has none",
        "a server has a model server or none, and answers one or the other",
        "no operation of the contract makes its rows",
        # In process, as the protocol's part does it:
        "the server sends no Date",
        "there is no connection that ends at the server",
    }
    check_what_was_tried({result.layer: result for result in outcome.results}, contract)


def check_what_was_tried(layers: Mapping[str, LayerResult], contract: Contract) -> None:
    """Each layer has tried every operation that is its own; what holds untried is not held."""
    for name in ("roles", "refusals", "ids", "values", "races", "people"):
        assert not layers[name].not_run, name
    operations = contract.operations.values()
    assert layers["model"].cases.keys() == contract.operations.keys()
    assert layers["ids"].cases.keys() == {each.id for each in operations if each.path_parameters}
    assert layers["refusals"].cases.total() > len(operations) * REFUSALS
    bodies = {each.id for each in operations if each.body is not None}
    assert bodies <= layers["values"].cases.keys()
    for name in bodies - {"register_user"}:  # its addresses are taken already
        assert layers["values"].succeeded[name], f"no value of {name} was taken"
    assert layers["times"].succeeded["rename_workspace"] == 3, "at once, later, and the same"


def test_server_that_signs_no_agents_in_is_tried_in_every_layer(
    contract: Contract, sqlite_url: str
) -> None:
    counter, answers = StatusCounter(contract), AnswerChecks(contract)
    names = {"upsert_agent_card", "discover_agents", "revoke_workspace_api_key"}
    with in_process(sqlite_url, hooks=[counter, answers]) as server:
        accounts = prepare_accounts(server.target)
        people = {name: accounts[name] for name in accounts.by_name if name not in accounts.agents}
        reason = "agents sign in elsewhere"
        accounts = replace(accounts, by_name=people, agents={}, lacking={SCHEME: reason})
        options = {"examples": 1, "scenarios": 0, "model_runs": 0, "operations": frozenset(names)}
        context = Context(server.target, accounts, contract, Plan(seed=1, **options))
        outcome = runs.run(context, counter, answers)
    assert outcome.holds, findings_text(outcome.unexplained)
    assert not outcome.ended_by
    lacking = {
        layer for layer, _, why in outcome.not_run if why == f"the run has no {SCHEME}: {reason}"
    }
    assert lacking >= {"roles", "races", "fuzzing", "transport"}


def test_scenarios_follow_links_through_many_operations(
    contract: Contract, sqlite_url: str, seed: int
) -> None:
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        result = stateful.run(Context(server.target, accounts, contract, Plan(seed, scenarios=40)))
    assert result.holds, findings_text(result.findings)
    of_a_thing = {each for each in result.succeeded if "{" in contract.operations[each].path}
    assert len(of_a_thing) >= SUCCEED_BY_LINKS, f"succeeded: {sorted(result.succeeded)}"


def test_rate_limit_sends_no_more_than_allowed() -> None:
    now = 100.0
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    limit = RateLimit(4, clock=lambda: now, sleep=sleep)
    for _ in range(5):
        limit.before(A_REQUEST)
    assert now == 101.0, "the fifth of four a second goes out a second after the first"
    now += 10
    slept.clear()
    limit.before(A_REQUEST)
    assert not slept, "a request that comes later need not wait"


def test_statuses_are_counted_by_operation(contract: Contract) -> None:
    counter = StatusCounter(contract)
    for method, path, status in (
        ("GET", "/api/workspaces/quota", 200),
        ("GET", "/api/workspaces/any", 403),
        ("GET", "/api/workspaces/any", 403),
        ("POST", "/api/nothing", 404),
    ):
        counter.after(Request(method, path, {}), Response(status, {}))
    assert counter.drain() == {
        ("get_workspace_creation_quota", 200): 1,
        ("get_workspace", 403): 2,
    }
    assert not counter.drain(), "what was drained is counted no more"
