"""Who may do what: the table, the contract's `x-required-role` and the server say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers import Server, in_own_process, settle

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.fixtures.accounts import People
from agentserver_contract.layers import roles
from agentserver_contract.reports.text import findings_text, result_text


def test_table_has_every_operation_once(contract: Contract) -> None:
    named = [row.operation_id for row in roles.table() if not row.fields]
    assert len(named) == len(set(named))
    assert contract.operations.keys() == set(named)


@pytest.mark.parametrize("row", [row for row in roles.table() if not row.fields], ids=str)
def test_required_role_of_the_contract_is_what_the_table_says(
    row: roles.Row, contract: Contract
) -> None:
    operation = contract.operations[row.operation_id]
    by_table = {caller for caller, answer in row.answers.items() if answer == roles.ALLOWED}
    assert roles.ALLOWED_BY_ROLE[str(operation.required_role)] == by_table


def test_everybody_may_do_what_the_table_says_and_nothing_else(
    server: Server, people: People, contract: Contract, request: pytest.FixtureRequest
) -> None:
    shown = request.config.getoption("--operation")
    context = Context(
        server.target,
        people,
        contract,
        Plan(seed=1, operations=frozenset(shown) if shown else None),
        expired_session=server.expired_session(people["owner"]),
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
        result = roles.run(Context(target, settle(target), contract, Plan(seed=1)))
    print(result_text(result))
    assert result.holds, findings_text(result.findings)
    assert list(result.not_run) == [roles.EXPIRED], "an expired session cannot be had over HTTP"


@pytest.mark.parametrize(
    "text",
    [
        "operation nobody\n",
        f"operation {' '.join(roles.CALLERS)}\nlogin ok ok\n",
        f"operation {' '.join(roles.CALLERS)}\nlogin {'ok ' * 8}maybe\n",
    ],
    ids=["a caller missing", "a column missing", "an unknown answer"],
)
def test_table_with_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(roles.TableError):
        roles.read_table(text)
