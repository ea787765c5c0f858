"""Scenarios of several calls, each with ids from an earlier response, by the contract's links.

Schemathesis's stateful phase, with the checks of the fuzzing layer on every call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.data.tables import is_exception
from agentserver_contract.fixtures.accounts import TENANTS
from agentserver_contract.http.differential import Differential
from agentserver_contract.results.findings import Finding, LayerResult
from agentserver_contract.schemathesis.engine import Part, parts_of_run, run_part
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
    parts = parts_of_run(PARTS, context.accounts)
    settings: dict[str, Any] = {
        "generation": {
            "max-examples": max(1, context.plan.scenarios // len(parts)),
            "database": "none",
        },
        "phases": {name: {"enabled": False} for name in ("examples", "coverage", "fuzzing")},
    }
    operations: Sequence[Operation] = list(context.contract.operations.values())
    if context.plan.operations is not None:
        operations = linked(context.contract, context.plan.operations)
    with Differential(context.contract) as differential:
        for part in parts:
            collector = EventCollector(context.contract, context.target.base_url, result)
            context.reset()  # as an administrator the part before may have set roles and quotas
            chosen = part.operations(context, operations)
            tried = Counter(result.cases)
            if _are_linked(chosen):
                run_part(context, part, chosen, differential, collector, settings)
            expected = part.caller == PARTS[0].caller and context.plan.operations is None
            if expected and result.cases == tried:
                result.add(_nothing_linked(part))
    if not result.cases:
        result.not_run[NAME] = "no link leads to the named operations, or from them"
    return result


def linked(contract: Contract, named: Collection[str]) -> list[Operation]:
    """Some operations, with those whose links or new things lead to them."""
    chosen = {name: contract.operations[name] for name in named}
    waiting = list(chosen.values())
    while waiting:
        target = waiting.pop()
        for each in contract.operations.values():
            if each.id not in chosen and _leads_to(each, target):
                chosen[each.id] = each
                waiting.append(each)
    return [each for each in contract.operations.values() if each.id in chosen]


def _are_linked(operations: Sequence[Operation]) -> bool:
    """Whether one of some operations leads to another of them."""
    return any(_leads_to(one, other) for one in operations for other in operations)


def _leads_to(operation: Operation, target: Operation) -> bool:
    """Whether a response of an operation gives an id that another one needs."""
    linked_to = {
        link.get("operationId")
        for response in operation.successes
        for link in response.links.values()
        if isinstance(link, Mapping)
    }
    thing = operation.path.rpartition("/")[2]
    creates = operation.method == "POST" and f"/{thing}/{{" in target.path
    return target.id in linked_to or creates


def _nothing_linked(part: Part) -> Finding:
    return Finding(
        layer=NAME,
        operation="",
        promise="operations are linked to each other",
        contract="/paths",
        detail=f"no call could be made as {part.caller}: without links there are no scenarios",
        check="links",
    )
