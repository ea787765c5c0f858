"""Whatever Schemathesis's engine thinks of, server and SDK keep the contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from servers import Server, in_own_process, settle

from agentserver_contract.contract import Contract
from agentserver_contract.findings import LayerResult
from agentserver_contract.layers import fuzzing
from agentserver_contract.people import People
from agentserver_contract.report import findings_text, result_text


def examine(result: LayerResult, contract: Contract, shown: list[str] | None) -> None:
    """Print the result, and fail on what was found or left out."""
    print(result_text(result))
    findings = [each for each in result.findings if not shown or each.operation in shown]
    assert not findings, findings_text(findings)
    untried = contract.operations.keys() - result.cases.keys()
    assert not untried, f"not tried at all: {sorted(untried)}"
    set_aside = [note for note in result.notes if note.startswith("differential, valid: not")]
    assert not set_aside, f"valid requests that the SDK was not compared on: {set_aside}"


def test_server_and_sdk_keep_the_contract(
    server: Server, people: People, contract: Contract, seed: int, request: pytest.FixtureRequest
) -> None:
    result = fuzzing.run(server.target, people, contract, seed=seed)
    examine(result, contract, request.config.getoption("--operation"))


def test_server_and_sdk_keep_the_contract_over_a_socket(
    tmp_path: Path, contract: Contract, seed: int, request: pytest.FixtureRequest
) -> None:
    with in_own_process(tmp_path) as target:
        result = fuzzing.run(target, settle(target), contract, seed=seed, examples=5)
    examine(result, contract, request.config.getoption("--operation"))


def test_every_operation_succeeds_at_least_once(
    server: Server, people: People, contract: Contract, seed: int
) -> None:
    result = fuzzing.run(server.target, people, contract, seed=seed, examples=1)
    never = contract.operations.keys() - result.succeeded.keys()
    assert not never, f"never answered with a 2xx: {sorted(never)}"
