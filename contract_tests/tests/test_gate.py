"""The gate fails if an operation or a documented status was never met."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentserver_contract.contract.document import Contract
from agentserver_contract.data.tables import Waiver
from agentserver_contract.layers import gate
from agentserver_contract.results.findings import LayerResult

WAIVER = Waiver("w", frozenset({"login"}), frozenset({405}), reason="because")


def met(contract: Contract, *left_out: tuple[str, int]) -> LayerResult:
    """A layer that met everything but this."""
    result = LayerResult("a layer")
    for operation in contract.operations.values():
        for status in operation.responses:
            if (operation.id, status) not in left_out:
                result.statuses[operation.id, status] = 1
    return result


def test_everything_met_passes(contract: Contract) -> None:
    assert gate.judge(contract, [met(contract)], waivers=[]).holds


@pytest.mark.parametrize("status", [200, 403], ids=["success", "refusal"])
def test_status_that_was_never_met_is_found(contract: Contract, status: int) -> None:
    result = gate.judge(contract, [met(contract, ("get_workspace", status))], waivers=[])
    assert [(f.operation, f.check) for f in result.findings] == [("get_workspace", str(status))]


def test_layers_count_together(contract: Contract) -> None:
    other = LayerResult("another")
    other.statuses["get_workspace", 403] = 1
    assert gate.judge(contract, [met(contract, ("get_workspace", 403)), other], waivers=[]).holds


def test_waived_status_is_reported_as_not_run_with_its_reason(contract: Contract) -> None:
    result = gate.judge(contract, [met(contract, ("login", 405))], waivers=[WAIVER])
    assert result.holds
    assert result.not_run == {"login 405": "because"}


def test_waiver_holds_in_its_situation_only(contract: Contract) -> None:
    guarded = replace(WAIVER, operations=frozenset(), when="guarded")
    results = [met(contract, ("login", 405))]
    assert not gate.judge(contract, results, waivers=[guarded]).holds
    assert gate.judge(contract, results, waivers=[guarded], situations=("always", "guarded")).holds
