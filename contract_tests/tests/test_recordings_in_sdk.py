"""What the release really answered decodes in the SDK; strictness finds what the contract finds."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from agentserver._model import Decoding
from agentserver._operation import Operation
from agentserver._schema import DecodeError
from agentserver_contract.contract.document import Contract, load
from agentserver_contract.recordings.exchanges import Exchange, findings, read

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(CHECKOUT / "openapi.yaml")


@pytest.fixture(scope="module")
def successes(contract: Contract) -> list[Exchange]:
    paths = sorted((CHECKOUT / "contract_tests" / "recordings").glob("*.jsonl"))
    return [
        exchange
        for path in paths
        for exchange in read(path)
        if exchange.operation_id in contract.operations and 200 <= exchange.status < 300
    ]


def in_sdk(contract: Contract, operation_id: str) -> Operation[Any]:
    """The operation as the SDK was generated to know it."""
    tag = contract.operations[operation_id].tag
    module = importlib.import_module(f"agentserver._generated.api.{tag}.{operation_id}")
    operation = module.OPERATION
    assert isinstance(operation, Operation)
    return operation


def value_of(exchange: Exchange) -> Any:
    return json.loads(exchange.text) if exchange.json is None else exchange.json


def decoder(operation: Operation[Any], exchange: Exchange) -> Any:
    return operation.decoder(exchange.status)


def test_every_recorded_success_decodes(contract: Contract, successes: list[Exchange]) -> None:
    decoded = 0
    for exchange in successes:
        operation = in_sdk(contract, exchange.operation_id)
        assert exchange.status in operation.success, str(exchange)
        decode = decoder(operation, exchange)
        if decode is None:
            assert not exchange.text, f"the SDK reads no body, and one came: {exchange}"
            continue
        result = decode(value_of(exchange), Decoding(strict=False))
        assert result is not None, str(exchange)
        rows = [result] if hasattr(result, "to_dict") else list(result)
        came = value_of(exchange)
        kept = [row.to_dict() for row in rows]
        assert kept == (came if isinstance(came, list) else [came]), str(exchange)
        decoded += 1
    assert decoded, "no recorded success has a body"


def test_strict_decoding_raises_where_the_contract_is_broken_and_nowhere_else(
    contract: Contract, successes: list[Exchange]
) -> None:
    for exchange in successes:
        operation = in_sdk(contract, exchange.operation_id)
        decode = decoder(operation, exchange)
        if decode is None:
            continue
        broken = {f.at for f in findings(contract, exchange) if f.kind == "schema"}
        raised = None
        try:
            decode(value_of(exchange), Decoding(strict=True))
        except DecodeError as error:
            raised = error.path
        if broken:
            assert raised in broken, f"{exchange}\nthe contract is broken at {sorted(broken)}"
        else:
            assert raised is None, f"{exchange}\nfits the contract, refused at {raised}"
