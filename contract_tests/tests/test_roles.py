"""Who may do what: the table, the contract's `x-required-role` and the server say the same."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from servers import in_own_process, in_process, prepare_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.contract.roles import (
    AGENT,
    ANONYMOUS,
    ENDED_AGENT,
    EXPIRED_SESSION,
    FOREIGN_AGENT,
    OTHER_AGENT,
    WORKSPACE_ROLES,
    may_call,
    refusal_of,
)
from agentserver_contract.data.tables import Caller, tables
from agentserver_contract.fixtures.accounts import TEAM
from agentserver_contract.layers import roles
from agentserver_contract.reports.text import findings_text, result_text


def test_table_of_callers_has_every_operation_once(contract: Contract) -> None:
    named = [row.operation for row in tables().callers if not row.body]
    assert len(named) == len(set(named))
    assert contract.operations.keys() == set(named)


@pytest.mark.parametrize(
    "row", [row for row in tables().callers if not (row.body or row.of_others)], ids=str
)
def test_required_role_of_the_contract_is_that_of_the_table(
    row: Caller, contract: Contract
) -> None:
    assert contract.operations[row.operation].required_role == row.required_role


@pytest.mark.parametrize("row", [row for row in tables().callers if row.body], ids=str)
def test_fields_of_a_body_require_more_and_never_less(row: Caller, contract: Contract) -> None:
    declared = may_call(str(contract.operations[row.operation].required_role))
    assert may_call(row.required_role) <= declared


def test_roles_of_a_workspace_follow_from_the_table() -> None:
    assert WORKSPACE_ROLES == ("guest", "developer", "maintainer", "owner")
    assert TEAM == ("owner", "maintainer", "developer", "guest")
    for lower, higher in pairwise(WORKSPACE_ROLES):
        assert may_call(higher) < may_call(lower), f"{higher} may do all that {lower} may"


def test_refusals_of_the_table_are_the_statuses_of_the_contract() -> None:
    assert refusal_of("none", ANONYMOUS) is None
    assert refusal_of("guest", ANONYMOUS) == 401
    assert refusal_of("guest", "outsider") == 403
    assert refusal_of("admin", "owner") == 403
    assert refusal_of("owner", "admin") == 403, "an administrator is no member for that alone"
    assert may_call("agent") == {AGENT, OTHER_AGENT, FOREIGN_AGENT}
    assert may_call("agent-of-workspace") == {AGENT, OTHER_AGENT}
    assert may_call("agent-itself") == {AGENT}
    assert refusal_of("agent-itself", ENDED_AGENT) == 401


def test_every_caller_may_do_what_the_table_says_and_nothing_else(
    sqlite_url: str, contract: Contract, request: pytest.FixtureRequest
) -> None:
    shown = request.config.getoption("--operation")
    with in_process(sqlite_url) as server:
        context = Context(
            server.target,
            prepare_accounts(server.target, shift_clock=server.shift_clock),
            contract,
            Plan(seed=1, operations=frozenset(shown) if shown else None),
            shift_clock=server.shift_clock,
            snapshot=server.rows,
        )
        result = roles.run(context)
    print(result_text(result))
    assert result.holds, findings_text(result.findings)
    assert not result.not_run


def test_roles_hold_over_a_socket_as_far_as_the_api_shows(
    tmp_path: Path, contract: Contract
) -> None:
    with in_own_process(tmp_path) as target:
        result = roles.run(Context(target, prepare_accounts(target), contract, Plan(seed=1)))
    print(result_text(result))
    assert result.holds, findings_text(result.findings)
    assert list(result.not_run) == [EXPIRED_SESSION], "over HTTP no session can be made to expire"
