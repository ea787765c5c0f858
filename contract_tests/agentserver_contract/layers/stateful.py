"""Scenarios of several calls, each taking what an earlier one gave: links, inferred and explicit.

What Schemathesis's stateful phase draws, with the checks of the fuzzing layer on every call.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation
from agentserver_contract.fixtures.accounts import PEERS
from agentserver_contract.http.differential import Differential
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.schemathesis.engine import Part, try_part
from agentserver_contract.schemathesis.events import Reading

NAME = "stateful"


def _keeps_session(operation: Operation) -> bool:
    return operation.id != "logout"


def _is_not_admins(operation: Operation) -> bool:
    return _keeps_session(operation) and operation.required_role != "admin"


# An administrator may call everything, and so links what people do to what is administered.
PARTS = (Part("admin", _keeps_session), Part("alice", _is_not_admins, PEERS))


def run(context: Context) -> LayerResult:
    """Play scenarios, shared among those who call."""
    result = LayerResult(NAME, seed=context.plan.seed)
    settings: dict[str, Any] = {
        "generation": {
            "max-examples": max(1, context.plan.scenarios // len(PARTS)),
            "database": "none",
        },
        "phases": {name: {"enabled": False} for name in ("examples", "coverage", "fuzzing")},
    }
    with Differential(context.contract) as differential:
        for part in PARTS:
            reading = Reading(context.contract, context.target.base_url, result)
            chosen = list(filter(part.wanted, context.contract.operations.values()))
            tried = Counter(result.cases)
            try_part(context, part, chosen, differential, reading, settings)
            if result.cases == tried:
                result.add(_nothing_linked(part))
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
