"""Schemathesis's engine on a target: every operation with its examples, at its bounds, by chance.

Operations are tried in parts, each by one person: were everybody's operations tried by one, each
403 would be read as a wrong identity, and hardly any write would ever succeed.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.engine import from_schema
from schemathesis.hooks import unregister as unregister_hook
from schemathesis.specs.openapi.formats import unregister_string_format

from agentserver_contract.contract import Contract, Operation
from agentserver_contract.findings import LayerResult
from agentserver_contract.layers.differential import NAME as DIFFERENTIAL
from agentserver_contract.layers.differential import Differential
from agentserver_contract.layers.parity import check_parity
from agentserver_contract.layers.peers import ForeignWrites
from agentserver_contract.layers.reading import Reading
from agentserver_contract.people import PEERS, People
from agentserver_contract.scene import COLLEAGUE, set_scene
from agentserver_contract.target import Target, cookie

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, HookContext, Response

NAME = "fuzzing"
EXAMPLES = 20
"""How many cases the fuzzing phase draws for each operation and mode, unless told otherwise."""

MAX_PASSWORD_BYTES = 72


@dataclass(frozen=True)
class Part:
    """Operations that one person tries, in one run of the engine."""

    caller: str
    wanted: Callable[[Operation], bool]
    peers: tuple[str, ...] = ()
    """Tenants who must see nothing of each other's; the caller is the first of them."""


def _ends_session(operation: Operation) -> bool:
    return operation.id == "logout"


def _is_admins(operation: Operation) -> bool:
    return operation.required_role == "admin"


PARTS = (
    Part("alice", lambda each: not (_is_admins(each) or _ends_session(each)), PEERS),
    Part("admin", _is_admins),
    Part("leaver", _ends_session),  # in a session of its own, which it may end
)

# Everything that Schemathesis checks is checked. Where a check's own list of statuses is not what
# the contract promises, the list stands here with its reason.
CHECK_OPTIONS: Mapping[str, Any] = {
    "negative_data_rejection": {
        # And 413: a body over the limit is refused unread.
        "expected-statuses": [
            *("400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"),
            "5xx",
        ]
    },
}
OPERATION_OPTIONS: tuple[Mapping[str, Any], ...] = (
    {
        # And 400: `api_key` may be left out only where one is stored, which no schema can say.
        "include-operation-id": "set_workspace_llm_config",
        "checks": {
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "3xx", "400", "401", "403", "404", "409", "429", "5xx"]
            }
        },
    },
)


def run(
    target: Target,
    people: People,
    contract: Contract,
    *,
    seed: int,
    examples: int = EXAMPLES,
    operations: frozenset[str] | None = None,
) -> LayerResult:
    """Try every operation on a target, and compare each case with the SDK.

    Args:
        target: The server, in the state in which `people` were gathered.
        people: Who calls.
        contract: What is promised.
        seed: Makes the same run again on a server in the same state.
        examples: How many cases the fuzzing phase draws for each operation and mode.
        operations: Only these, by operationId.
    """
    result = LayerResult(NAME, seed=seed)
    reading = Reading(contract, target.base_url, result)
    started = time.monotonic()
    with Differential(contract) as differential, _passwords():
        for part in PARTS:
            chosen = [
                operation.id
                for operation in contract.operations.values()
                if part.wanted(operation) and (operations is None or operation.id in operations)
            ]
            if chosen:
                _try(part, chosen, target, people, contract, examples, differential, reading)
    for (validity, verdict), count in differential.tally.items():
        result.notes[f"{DIFFERENTIAL}, {validity}: {verdict}"] += count
    result.seconds = time.monotonic() - started
    return result


def _try(
    part: Part,
    chosen: list[str],
    target: Target,
    people: People,
    contract: Contract,
    examples: int,
    differential: Differential,
    reading: Reading,
) -> None:
    """Run the engine on one part."""
    caller = people[part.caller]
    scene = set_scene(contract, people, PEERS[0], {COLLEAGUE: "developer"}, caller)
    others = [people[name] for name in part.peers if name != part.caller]
    known = frozenset(scene.parameters.values())
    writes = [ForeignWrites(target, other, known) for other in others]

    def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
        # Nobody takes their own rights away, or the rest of the run would try nothing.
        if case.path_parameters.get("user_id") == caller.id:
            case.path_parameters["user_id"] = people[COLLEAGUE].id
        for each in writes:
            each.before_call(case)

    def sdk_parity(context: CheckContext, response: Response, case: Case[Any]) -> None:
        check_parity(differential, reading.operation(case.operation.label), response, case)

    def foreign_write(context: CheckContext, response: Response, case: Case[Any]) -> None:
        for each in writes:
            each.check(case)

    with ExitStack() as stack:
        identities = stack.enter_context(_identities(part, people))
        config = _config(identities, chosen, reading.result.seed, examples)
        stack.enter_context(_extended(before_call, sdk_parity, foreign_write))
        for event in from_schema(target.schema(scene.document(), config)).execute():
            reading.take(event)


def _config(
    identities: Mapping[str, Any], chosen: list[str], seed: int | None, examples: int
) -> dict[str, Any]:
    return {
        "seed": seed,
        "workers": 1,  # with more, the order of cases is a matter of chance
        "continue-on-failure": True,
        "cache": {"enabled": False},
        "analysis": {"constants": {"enabled": False}},
        "generation": {"max-examples": examples, "database": "none"},
        "phases": {"stateful": {"enabled": False}},
        "auth": {"wfc": identities},
        "checks": dict(CHECK_OPTIONS),
        "operations": [
            {"exclude-operation-id": chosen, "enabled": False},
            *(dict(options) for options in OPERATION_OPTIONS),
        ],
    }


@contextmanager
def _identities(part: Part, people: People) -> Iterator[dict[str, Any]]:
    """Who calls, in a Web Fuzzing Commons file that lives as long as the run."""
    entries = [
        {"name": name, "fixedHeaders": [{"name": "Cookie", "value": header}]}
        for name in dict.fromkeys((part.caller, *part.peers))
        for header in cookie(people[name].session).values()
    ]
    with tempfile.TemporaryDirectory(prefix="agentserver-contract-") as folder:
        path = Path(folder) / "identities.json"
        path.write_text(json.dumps({"schemaVersion": "0.2.0", "auth": entries}))
        identities: dict[str, Any] = {"path": str(path), "user": part.caller}
        yield identities | ({"peers": list(part.peers)} if part.peers else {})


@contextmanager
def _extended(before_call: Callable[..., None], *checks: Callable[..., None]) -> Iterator[None]:
    """More checks, and a word before each call, for one run: Schemathesis keeps them for all."""
    load_all_checks()
    for check in checks:
        schemathesis.check(check)
    schemathesis.hook(before_call)
    try:
        yield
    finally:
        unregister_hook(before_call)
        for check in checks:
            CHECKS.unregister(check.__name__)


@contextmanager
def _passwords() -> Iterator[None]:
    """Passwords as the contract bounds them: in bytes of UTF-8, which no JSON Schema can count."""
    characters = st.characters(codec="utf-8", exclude_characters="\0")
    passwords = st.text(characters, min_size=1, max_size=MAX_PASSWORD_BYTES)
    schemathesis.openapi.format(
        "password", passwords.filter(lambda text: len(text.encode()) <= MAX_PASSWORD_BYTES)
    )
    try:
        yield
    finally:
        unregister_string_format("password")
