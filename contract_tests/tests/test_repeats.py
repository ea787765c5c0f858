"""The layer of repeats on reference servers, and the faults that it is for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from catalogue import find
from planting import planted
from servers import in_process, prepare_accounts

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import Contract
from agentserver_contract.layers import repeats
from agentserver_contract.reports.text import findings_text
from agentserver_contract.results.findings import LayerResult


def tried(contract: Contract, database_url: str, *operations: str) -> LayerResult:
    """On a server on which no two writes have the same time."""
    with in_process(database_url, checks_answers=False) as server:
        return repeats.run(
            Context(
                server.target,
                prepare_accounts(server.target),
                contract,
                Plan(seed=1, operations=frozenset(operations) or None),
                advance_clock=lambda: server.shift_clock(timedelta(seconds=1)),
            )
        )


def test_what_is_gone_is_removed_again_and_keys_are_repeated(
    contract: Contract, sqlite_url: str
) -> None:
    result = tried(contract, sqlite_url)
    assert result.holds, findings_text(result.findings)
    removing = {each.id for each in contract.operations.values() if each.method == "DELETE"}
    assert removing - {"delete_im_channel"} <= set(result.succeeded) | set(result.not_run)
    assert result.succeeded["submit_turn"] > 8, "with many keys"


@pytest.mark.parametrize(
    ("fault", "operation", "check"),
    [
        ("revoking-a-key-again-moves-its-time", "revoke_workspace_api_key", "removed again"),
        ("namesakes-are-revoked", "revoke_workspace_api_key", "removed again"),
        ("revoking-a-token-again-moves-its-time", "revoke_codex_token", "removed again"),
        ("keys-for-other-threads", "submit_turn", "keys"),
        ("keys-in-any-case", "submit_turn", "keys"),
    ],
)
def test_fault_is_found(
    contract: Contract, sqlite_url: str, fault: str, operation: str, check: str
) -> None:
    with planted(find(fault)):
        result = tried(contract, sqlite_url, operation)
    found = {(finding.operation, finding.check) for finding in result.findings}
    assert found == {(operation, check)}
