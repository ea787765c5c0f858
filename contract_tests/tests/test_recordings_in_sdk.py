"""The recorded responses decode in the SDK; strict decoding finds what the contract finds."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from agentserver._decoding import DecodeError, Decoding
from agentserver._operation import Operation
from agentserver_contract.contract.document import Contract, load
from agentserver_contract.recordings.exchanges import Recorded, findings, read

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(CHECKOUT / "openapi.yaml")


@pytest.fixture(scope="module")
def successes(contract: Contract) -> list[Recorded]:
    paths = sorted((CHECKOUT / "contract_tests" / "recordings").glob("*.jsonl"))
    return [
        recorded
        for path in paths
        for recorded in read(path)
        if recorded.operation_id in contract.operations and recorded.exchange.response.succeeded
    ]


def decoder(contract: Contract, recorded: Recorded) -> Any:
    """How the SDK decodes a response; None where it expects no body."""
    tag = contract.operations[recorded.operation_id].tag
    module = importlib.import_module(f"agentserver._generated.api.{tag}.{recorded.operation_id}")
    operation = module.OPERATION
    assert isinstance(operation, Operation)
    status = recorded.exchange.response.status
    assert status in operation.success, str(recorded)
    return operation.decoder(status)


def test_every_recorded_success_decodes(contract: Contract, successes: list[Recorded]) -> None:
    decoded = 0
    for recorded in successes:
        decode, response = decoder(contract, recorded), recorded.exchange.response
        if decode is None:
            assert not response.body, f"the SDK expects no body: {recorded}"
            continue
        result = decode(response.json(), Decoding(strict=False))
        assert result is not None, str(recorded)
        rows = [result] if hasattr(result, "to_dict") else list(result)
        received = response.json()
        kept = [row.to_dict() for row in rows]
        assert kept == (received if isinstance(received, list) else [received]), str(recorded)
        decoded += 1
    assert decoded, "no recorded success has a body"


def test_strict_decoding_raises_where_the_contract_is_broken_and_nowhere_else(
    contract: Contract, successes: list[Recorded]
) -> None:
    for recorded in successes:
        decode = decoder(contract, recorded)
        if decode is None:
            continue
        broken = {f.at for f in findings(contract, recorded) if f.check == "schema"}
        raised = None
        try:
            decode(recorded.exchange.response.json(), Decoding(strict=True))
        except DecodeError as error:
            raised = error.path
        if broken:
            assert raised in broken, f"{recorded}\nthe contract is broken at {sorted(broken)}"
        else:
            assert raised is None, f"{recorded}\nfits the contract, refused at {raised}"
