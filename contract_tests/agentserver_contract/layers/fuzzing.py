"""Every operation with its examples, at its bounds, and with random values."""

from __future__ import annotations

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation
from agentserver_contract.data.tables import is_exception
from agentserver_contract.fixtures.accounts import LEAVER, TENANTS
from agentserver_contract.fixtures.callers import reason_unsigned
from agentserver_contract.http.differential import NAME as DIFFERENTIAL
from agentserver_contract.http.differential import Differential
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.schemathesis.engine import Part, parts_of_run, run_part
from agentserver_contract.schemathesis.events import EventCollector

NAME = "fuzzing"


def _ends_session(operation: Operation) -> bool:
    return is_exception("ends-session", operation.id)


def _keeps_session(operation: Operation) -> bool:
    return not _ends_session(operation)


def _is_for_users(operation: Operation) -> bool:
    return operation.required_role != "admin" and _keeps_session(operation)


PARTS = (
    Part(TENANTS[0], _is_for_users, TENANTS),
    Part(LEAVER, _ends_session),  # in a session of its own, which it may end
    # Last, as it changes the quotas that apply to the others.
    Part("admin", lambda operation: operation.required_role == "admin"),
)
# Where there is no other account, and nothing is written.
ADMINISTRATOR_ONLY = (Part("admin", _keeps_session),)


def run(context: Context) -> LayerResult:
    """Try every operation, and compare each case with the SDK."""
    result = context.new_result(NAME)
    collector = EventCollector(context.contract, context.target.base_url, result)
    settings = {
        "generation": {"max-examples": context.plan.examples or 1, "database": "none"},
        "phases": {
            "fuzzing": {"enabled": context.plan.examples > 0},
            "coverage": {"enabled": context.plan.boundaries},
            "stateful": {"enabled": False},
        },
    }
    people = PARTS if TENANTS[0] in context.accounts.by_name else ADMINISTRATOR_ONLY
    for each in context.operations:
        if reason := reason_unsigned(context.contract, each, context.accounts):
            result.not_run[each.id] = reason
    with Differential(context.contract) as differential:
        for part in parts_of_run(people, context.accounts):
            if chosen := part.operations(context, context.operations):
                run_part(context, part, chosen, differential, collector, settings)
    for (validity, verdict), count in differential.verdicts.items():
        result.notes[f"{DIFFERENTIAL}, {validity}: {verdict}"] += count
    return result
