"""Every operation with its examples, at its bounds, and by chance."""

from __future__ import annotations

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation
from agentserver_contract.fixtures.accounts import PEERS
from agentserver_contract.http.differential import NAME as DIFFERENTIAL
from agentserver_contract.http.differential import Differential
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.schemathesis.engine import Part, try_part
from agentserver_contract.schemathesis.events import Reading

NAME = "fuzzing"


def _ends_session(operation: Operation) -> bool:
    return operation.id == "logout"


def _is_admins(operation: Operation) -> bool:
    return operation.required_role == "admin"


PARTS = (
    Part("alice", lambda each: not (_is_admins(each) or _ends_session(each)), PEERS),
    Part("leaver", _ends_session),  # in a session of its own, which it may end
    Part("admin", _is_admins),  # last, as it moves the quotas that the others live by
)
# Where nobody else is there, and nothing is written.
ALONE = (Part("admin", lambda each: not _ends_session(each)),)


def run(context: Context) -> LayerResult:
    """Try every operation, and compare each case with the SDK."""
    result = LayerResult(NAME, seed=context.plan.seed)
    reading = Reading(context.contract, context.target.base_url, result)
    settings = {
        "generation": {"max-examples": context.plan.examples, "database": "none"},
        "phases": {"stateful": {"enabled": False}},
    }
    with Differential(context.contract) as differential:
        for part in PARTS if PARTS[0].caller in context.people.by_name else ALONE:
            chosen = [operation for operation in context.operations if part.wanted(operation)]
            if chosen:
                try_part(context, part, chosen, differential, reading, settings)
    for (validity, verdict), count in differential.tally.items():
        result.notes[f"{DIFFERENTIAL}, {validity}: {verdict}"] += count
    return result
