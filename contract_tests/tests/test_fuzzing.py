"""Whatever Schemathesis's engine thinks of, server and SDK keep the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from servers import in_process, prepare_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.data.tables import is_exception
from agentserver_contract.layers import fuzzing
from agentserver_contract.reports.text import findings_text, result_text
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.schemathesis.engine import LONGEST_BOUND, without_long_bounds

MADE_BY_NOBODY = "names-what-is-not-there"


def examine(result: LayerResult, contract: Contract, shown: list[str] | None) -> None:
    """Print the result, and fail on what was found or left out."""
    print(result_text(result))
    findings = [each for each in result.findings if not shown or each.operation in shown]
    assert not findings, findings_text(findings)
    unmade = {name for name in contract.operations if is_exception(MADE_BY_NOBODY, name)}
    never = contract.operations.keys() - result.succeeded.keys() - unmade
    assert not never, f"never answered with a 2xx: {sorted(never)}"
    set_aside = [note for note in result.notes if note.startswith("differential, valid: not")]
    assert not set_aside, f"valid requests that the SDK was not compared on: {set_aside}"


@pytest.mark.whole
def test_server_and_sdk_keep_the_contract(
    sqlite_url: str, contract: Contract, seed: int, request: pytest.FixtureRequest
) -> None:
    with in_process(sqlite_url) as server:
        accounts = prepare_accounts(server.target)
        result = fuzzing.run(Context(server.target, accounts, contract, Plan(seed)))
    examine(result, contract, request.config.getoption("--operation"))


def bounds(document: Any) -> Iterator[int]:
    """The upper bounds of all strings in a document."""
    if isinstance(document, dict) and isinstance(document.get("maxLength"), int):
        yield document["maxLength"]
    for each in document.values() if isinstance(document, dict) else document:
        if isinstance(each, dict | list):
            yield from bounds(each)


def test_schemathesis_makes_no_expression_with_thousands_of_repetitions(contract: Contract) -> None:
    """A second for each, again and again: such bounds are tried by the layer of values."""
    document = without_long_bounds(contract.document)
    before = list(bounds(contract.document))
    assert max(before) > LONGEST_BOUND
    assert list(bounds(document)) == [each for each in before if each <= LONGEST_BOUND]
