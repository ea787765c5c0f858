"""Fuzzes the server of the contract with every kind of operation, with the SDK generated from it.

A program, since that SDK has the name of the real one. `every_kind_run.py SEED` prints as JSON what
the tool found and met; with `--faults`, what it found with each fault that is planted; with
`--sessions-alone`, what it did about an operation that it had no credential for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from answer_middleware import AnswersChanged
from every_kind import (
    AGENT_TOKEN,
    API_KEY,
    CONTRACT,
    READ_ONLY_API_KEY,
    SESSION_TOKEN,
    USER_ID,
    USER_TOKEN,
    PostOffice,
    every_kind_app,
    populate,
)
from every_kind_faults import FAULTS, Fault
from schemathesis.python.asgi import shutdown_lifespans
from serving import in_memory
from starlette.applications import Starlette

from agentserver_contract.context import Context, Plan
from agentserver_contract.contract.document import load
from agentserver_contract.contract.schemas import MAX_BODY_BYTES
from agentserver_contract.fixtures.accounts import Account, Accounts, Login, emails_of_many
from agentserver_contract.fixtures.examples import Examples
from agentserver_contract.http.messages import Request, cookie
from agentserver_contract.http.status_counter import StatusCounter
from agentserver_contract.http.target import Target
from agentserver_contract.layers import (
    fuzzing,
    gate,
    ids,
    lists,
    people,
    races,
    refusals,
    roles,
    stateful,
    times,
    transport,
    values,
)

LAYERS = (roles, people, ids, refusals, values, stateful, times, races, lists, transport)
"""All but `fuzzing`, which comes first, and what is about no operation."""
TAKES = frozenset({"take_next_parcel"})
"""What answers otherwise where there is no parcel left."""
PARCEL_ID = "2f9d1a34-6f0e-4c57-b0a5-6a0d3c1c9e21"
PARCEL = {"id": PARCEL_ID, "weight": 1.5, "size": "small", "sent_at": "2026-11-23T10:00:00Z"}


def account(name: str, token: str, scheme: str) -> Account:
    scopes = frozenset({"parcels:send"}) if token == API_KEY else frozenset()
    return Account(name, "", USER_ID, "", token=token, scheme=scheme, scopes=scopes)


def accounts(target: Target) -> Accounts:
    """Everyone who calls; who takes parcels away comes last.

    There is one person, who is everybody that has a session.
    """
    people = ("alice", "owner", "admin", "outsider", "colleague")
    known = [
        *(Account(name, "alice@example.com", USER_ID, "", SESSION_TOKEN) for name in people),
        account("reader", READ_ONLY_API_KEY, "apiKey"),
        account("program", API_KEY, "apiKey"),
        account("person with a token", USER_TOKEN, "agentToken"),
        account("agent", AGENT_TOKEN, "agentToken"),
    ]
    many = tuple(map(Login, emails_of_many()))
    return Accounts(target, {each.name: each for each in known}, Login(""), many)


def populated(app: Starlette) -> Starlette:
    """The application, which has its account from the start."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(started: Starlette) -> AsyncIterator[Any]:
        async with inner(started) as state:
            await populate(started)
            yield state

    app.router.lifespan_context = lifespan
    return app


def too_large() -> Request:
    """What Schemathesis does not think of: a body over the limit."""
    headers = {**cookie(SESSION_TOKEN), "content-type": "application/json", "idempotency-key": "k"}
    return Request("POST", "/api/parcels", headers, b'"%s"' % (b"x" * MAX_BODY_BYTES))


def tried(seed: int, fault: Fault | None = None) -> dict[str, Any]:
    """What the tool finds; where a fault is planted, on trying its operation alone."""
    contract, office = load(CONTRACT), PostOffice()
    office.parcels[PARCEL_ID] = PARCEL
    app: Any = populated(every_kind_app(in_memory(), office, validate_responses=False))
    if fault is not None:
        app = AnswersChanged(app, fault.changed)
    operations = frozenset({fault.operation}) if fault is not None else None
    counter = StatusCounter(contract)
    with Target(app=app, hooks=[counter]) as target:
        context = Context(
            target,
            accounts(target),
            contract,
            Plan(seed, examples=2, operations=operations),
            examples=Examples(contract, {"parcel_id": PARCEL_ID}, {}),
        )
        results = [fuzzing.run(context)]
        if fault is None:
            office.parcels.clear()
            results.append(fuzzing.run(replace(context, plan=Plan(seed, operations=TAKES))))
        # The first are for whoever takes some away.
        others = {f"{number}": {**PARCEL, "id": f"{number}"} for number in range(10)}
        office.parcels.update({**others, PARCEL_ID: PARCEL})
        results += [layer.run(context) for layer in LAYERS]
        target.send(too_large())
        results[0].statuses.update(counter.drain())
    shutdown_lifespans()
    results.append(gate.judge(contract, results, operations=operations, waivers=[]))
    return {
        "findings": [
            f"{each.operation}: {each.promise}\n{each.detail}\n{each.request}\n{each.response}"
            for result in results
            for each in result.findings
        ],
        "never succeeded": sorted(contract.operations.keys() - results[0].succeeded.keys()),
        "notes": dict(results[0].notes),
        "not run": {name: why for result in results for name, why in result.not_run.items()},
    }


def tried_with_sessions_alone(seed: int) -> dict[str, Any]:
    """What is found, and what each layer says of what it cannot call, without any token."""
    contract, office = load(CONTRACT), PostOffice(parcels={PARCEL_ID: PARCEL})
    app: Any = populated(every_kind_app(in_memory(), office, validate_responses=False))
    with Target(app=app) as target:
        known = accounts(target)
        people = {name: each for name, each in known.by_name.items() if not each.token}
        context = Context(
            target,
            replace(known, by_name=people),
            contract,
            Plan(seed, examples=2, operations=TAKES),
            examples=Examples(contract, {"parcel_id": PARCEL_ID}, {}),
        )
        results = [layer.run(context) for layer in (fuzzing, *LAYERS, gate)]
    shutdown_lifespans()
    return {
        "findings": [str(each) for result in results for each in result.findings],
        "not run": {result.layer: dict(result.not_run) for result in results},
    }


def tried_with_each_fault(seed: int) -> dict[str, Any]:
    """What is found with each fault, by its name."""
    found = {}
    for name, fault in FAULTS.items():
        with fault.patched:
            found[name] = {"operation": fault.operation, **tried(seed, fault)}
    return found


if __name__ == "__main__":
    runs = {"--faults": tried_with_each_fault, "--sessions-alone": tried_with_sessions_alone}
    run = runs.get(sys.argv[-1], tried)
    sys.stdout.write(json.dumps(run(int(sys.argv[1]))))
