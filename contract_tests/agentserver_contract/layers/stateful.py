"""Scenarios of several calls, each with ids from an earlier response, by the contract's links.

Schemathesis's stateful phase, with the checks of the fuzzing layer on every call.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation
from agentserver_contract.data.tables import is_exception
from agentserver_contract.fixtures.accounts import TENANTS
from agentserver_contract.http.differential import Differential
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.schemathesis.engine import Part, run_part
from agentserver_contract.schemathesis.events import EventCollector

NAME = "stateful"


def _keeps_session(operation: Operation) -> bool:
    return not is_exception("ends-session", operation.id)


def _is_for_users(operation: Operation) -> bool:
    return _keeps_session(operation) and operation.required_role != "admin"


# An administrator may call everything, so that what users do is linked to what is administered.
PARTS = (Part("admin", _keeps_session), Part(TENANTS[0], _is_for_users, TENANTS))


def run(context: Context) -> LayerResult:
    """Run scenarios, a share of them for each caller."""
    result = context.new_result(NAME)
    settings: dict[str, Any] = {
        "generation": {
            "max-examples": max(1, context.plan.scenarios // len(PARTS)),
            "database": "none",
        },
        "phases": {name: {"enabled": False} for name in ("examples", "coverage", "fuzzing")},
    }
    with Differential(context.contract) as differential:
        for part in PARTS:
            collector = EventCollector(context.contract, context.target.base_url, result)
            context.reset()  # as an administrator the part before may have set roles and quotas
            chosen = list(filter(part.includes, context.contract.operations.values()))
            tried = Counter(result.cases)
            run_part(context, part, chosen, differential, collector, settings)
            if result.cases == tried:
                result.add(_nothing_linked(part))
    return result


def _nothing_linked(part: Part) -> Finding:
    return Finding(
        layer=NAME,
        operation="",
        promise="operations are linked to each other",
        contract="/paths",
        detail=f"no call could be made as {part.caller}: without links there are no scenarios",
        check="links",
    )
