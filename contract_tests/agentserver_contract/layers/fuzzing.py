"""Every operation with its examples, at its bounds, and with random values."""

from __future__ import annotations

from dataclasses import replace

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation
from agentserver_contract.data.tables import is_exception
from agentserver_contract.fixtures.accounts import LEAVER, TENANTS, Accounts
from agentserver_contract.http.differential import NAME as DIFFERENTIAL
from agentserver_contract.http.differential import Differential
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.schemathesis.engine import Part, run_part
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


def _parts(accounts: Accounts) -> list[Part]:
    """The parts of a run: those of the people, and one for each bearer token."""
    by_name = accounts.by_name
    tenants = TENANTS if all(name in by_name for name in TENANTS) else ()
    people = PARTS if TENANTS[0] in by_name else ADMINISTRATOR_ONLY
    tokens = [Part(account.name, _keeps_session) for account in by_name.values() if account.token]
    return [
        replace(part, tenants=tenants if part.tenants else ())
        for part in (*people, *tokens)
        if part.caller in by_name
    ]


def run(context: Context) -> LayerResult:
    """Try every operation, and compare each case with the SDK."""
    result = context.new_result(NAME)
    collector = EventCollector(context.contract, context.target.base_url, result)
    settings = {
        "generation": {"max-examples": context.plan.examples, "database": "none"},
        "phases": {
            "coverage": {"enabled": context.plan.boundaries},
            "stateful": {"enabled": False},
        },
    }
    with Differential(context.contract) as differential:
        for part in _parts(context.accounts):
            caller = context.accounts[part.caller]
            chosen = [
                operation
                for operation in context.operations
                if part.includes(operation) and caller.can_sign(context.contract, operation)
            ]
            if chosen:
                run_part(context, part, chosen, differential, collector, settings)
    for (validity, verdict), count in differential.verdicts.items():
        result.notes[f"{DIFFERENTIAL}, {validity}: {verdict}"] += count
    return result
