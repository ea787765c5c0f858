"""Nothing is green by absence."""

from __future__ import annotations

import pytest

from agentserver_contract.contract.document import Contract
from agentserver_contract.layers import gate
from agentserver_contract.results.findings import LayerResult

REASON = "reason = 'because'"


def met(contract: Contract, *left_out: tuple[str, int]) -> LayerResult:
    """A layer that met everything but this."""
    result = LayerResult("a layer")
    for operation in contract.operations.values():
        for status in operation.responses:
            if (operation.id, status) not in left_out:
                result.statuses[operation.id, status] = 1
    return result


def test_everything_met_passes(contract: Contract) -> None:
    assert gate.judge(contract, [met(contract)], known=[]).holds


@pytest.mark.parametrize("status", [200, 403], ids=["success", "refusal"])
def test_status_that_nobody_met_is_found(contract: Contract, status: int) -> None:
    result = gate.judge(contract, [met(contract, ("get_workspace", status))], known=[])
    assert [(f.operation, f.check) for f in result.findings] == [("get_workspace", str(status))]


def test_layers_count_together(contract: Contract) -> None:
    other = LayerResult("another")
    other.statuses["get_workspace", 403] = 1
    assert gate.judge(contract, [met(contract, ("get_workspace", 403)), other], known=[]).holds


def test_waived_status_is_told_as_not_run_with_its_reason(contract: Contract) -> None:
    (waiver,) = gate.read_waivers(f"[w]\noperations = ['login']\nstatus = [405]\n{REASON}")
    result = gate.judge(contract, [met(contract, ("login", 405))], known=[waiver])
    assert result.holds
    assert result.not_run == {"login 405": "because"}


def test_waiver_holds_in_its_situation_only(contract: Contract) -> None:
    text = f"[w]\noperations = '*'\nstatus = [405]\nwhen = 'guarded'\n{REASON}"
    known, results = gate.read_waivers(text), [met(contract, ("login", 405))]
    assert not gate.judge(contract, results, known=known).holds
    assert gate.judge(contract, results, known=known, situations=("always", "guarded")).holds


def test_every_waiver_of_the_suite_is_about_what_the_contract_documents(
    contract: Contract,
) -> None:
    for waiver in gate.waivers():
        documented = {
            status
            for operation in contract.operations.values()
            if not waiver.operations or operation.id in waiver.operations
            for status in operation.responses
        }
        assert waiver.operations <= contract.operations.keys(), waiver.name
        assert waiver.statuses <= documented, waiver.name


@pytest.mark.parametrize(
    "text",
    [
        "[w]\noperations = '*'\nstatus = [405]",
        f"[w]\noperations = '*'\n{REASON}",
        f"[w]\nstatus = [405]\n{REASON}",
        f"[w]\noperations = '*'\nstatus = [405]\nwhen = 'sometimes'\n{REASON}",
    ],
    ids=["no reason", "no status", "no operations", "no such situation"],
)
def test_waiver_with_a_mistake_is_refused(text: str) -> None:
    with pytest.raises(gate.WaiverError, match=r"\[w\]"):
        gate.read_waivers(text)
