"""Every operation with its examples, at its bounds, and by chance."""

from __future__ import annotations

import time

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.fixtures.accounts import PEERS, People
from agentserver_contract.fixtures.examples import Scene
from agentserver_contract.http.target import Target
from agentserver_contract.layers.differential import NAME as DIFFERENTIAL
from agentserver_contract.layers.differential import Differential
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.schemathesis.engine import Part, try_part
from agentserver_contract.schemathesis.events import Reading

NAME = "fuzzing"
EXAMPLES = 20
"""How many cases the fuzzing phase draws for each operation and mode, unless told otherwise."""


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


def run(
    target: Target,
    people: People,
    contract: Contract,
    *,
    seed: int,
    examples: int = EXAMPLES,
    operations: frozenset[str] | None = None,
    scene: Scene | None = None,
) -> LayerResult:
    """Try every operation on a target, and compare each case with the SDK.

    Args:
        target: The server, in the state in which `people` were gathered.
        people: Who calls.
        contract: What is promised.
        seed: Makes the same run again on a server in the same state.
        examples: How many cases the fuzzing phase draws for each operation and mode.
        operations: Only these, by operationId.
        scene: What the contract's examples are about; made for each part when left out.
    """
    result = LayerResult(NAME, seed=seed)
    reading = Reading(contract, target.base_url, result)
    started = time.monotonic()
    settings = {
        "generation": {"max-examples": examples, "database": "none"},
        "phases": {"stateful": {"enabled": False}},
    }
    with Differential(contract) as differential:
        for part in PARTS if PARTS[0].caller in people.by_name else ALONE:
            chosen = [
                operation.id
                for operation in contract.operations.values()
                if part.wanted(operation) and (operations is None or operation.id in operations)
            ]
            if chosen:
                try_part(
                    *(part, chosen, target, people, contract),
                    *(differential, reading, settings, scene),
                )
    for (validity, verdict), count in differential.tally.items():
        result.notes[f"{DIFFERENTIAL}, {validity}: {verdict}"] += count
    result.seconds = time.monotonic() - started
    return result
