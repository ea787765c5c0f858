"""Scenarios of several calls, each taking what an earlier one gave: links, inferred and explicit.

What Schemathesis's stateful phase draws, with the checks of the fuzzing layer on every call.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.fixtures.accounts import PEERS, People
from agentserver_contract.http.target import Target
from agentserver_contract.layers.differential import Differential
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.schemathesis.engine import Part, try_part
from agentserver_contract.schemathesis.events import Reading

NAME = "stateful"
SCENARIOS = 100
"""How many scenarios are drawn in all."""


def _keeps_session(operation: Operation) -> bool:
    return operation.id != "logout"


def _is_not_admins(operation: Operation) -> bool:
    return _keeps_session(operation) and operation.required_role != "admin"


# An administrator may call everything, and so links what people do to what is administered.
PARTS = (Part("admin", _keeps_session), Part("alice", _is_not_admins, PEERS))


def run(
    target: Target, people: People, contract: Contract, *, seed: int, scenarios: int = SCENARIOS
) -> LayerResult:
    """Play scenarios on a target.

    Args:
        target: The server.
        people: Who calls.
        contract: What is promised; its links are followed.
        seed: Makes the same run again on a server in the same state.
        scenarios: How many, shared among those who call.
    """
    result = LayerResult(NAME, seed=seed)
    started = time.monotonic()
    settings: dict[str, Any] = {
        "generation": {"max-examples": max(1, scenarios // len(PARTS)), "database": "none"},
        "phases": {name: {"enabled": False} for name in ("examples", "coverage", "fuzzing")},
    }
    with Differential(contract) as differential:
        for part in PARTS:
            reading = Reading(contract, target.base_url, result)
            chosen = [each.id for each in contract.operations.values() if part.wanted(each)]
            tried = Counter(result.cases)
            try_part(
                *(part, chosen, target, people, contract),
                *(differential, reading, settings),
            )
            if result.cases == tried:
                result.add(_nothing_linked(part))
    result.seconds = time.monotonic() - started
    return result


def _nothing_linked(part: Part) -> Finding:
    return Finding(
        layer=NAME,
        operation="",
        promise="operations are linked to each other",
        contract="/paths",
        detail=f"not one call could be made as {part.caller}: without links the phase is left out",
        sent="",
        came="",
        replay="",
        check="links",
    )
