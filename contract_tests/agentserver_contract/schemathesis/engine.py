"""Schemathesis's engine on a target, with the checks that this suite adds to its own.

Operations are tried in parts, each by one person: were everybody's operations tried by one, each
403 would be read as a wrong identity, and hardly any write would ever succeed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemathesis
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.engine import from_schema
from schemathesis.hooks import unregister as unregister_hook
from schemathesis.openapi.checks import RejectedPositiveData

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.contract.schemas import lacks_kept
from agentserver_contract.fixtures.accounts import PEERS, People
from agentserver_contract.fixtures.examples import COLLEAGUE, set_scene
from agentserver_contract.http.differential import Differential
from agentserver_contract.http.target import HELD_BACK, cookie
from agentserver_contract.schemathesis.bounds import fit_bytes
from agentserver_contract.schemathesis.case_rewrites import Home
from agentserver_contract.schemathesis.events import Reading
from agentserver_contract.schemathesis.fixture_protection import Stage
from agentserver_contract.schemathesis.foreign_writes import ForeignWrites
from agentserver_contract.schemathesis.ownership import OwnWorkspaces
from agentserver_contract.schemathesis.parity import check_parity

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, HookContext, Response
    from schemathesis.core.failures import Failure


@dataclass(frozen=True)
class Part:
    """Operations that one person tries, in one run of the engine."""

    caller: str
    wanted: Callable[[Operation], bool]
    peers: tuple[str, ...] = ()
    """Tenants who must see nothing of each other's; the caller is the first of them."""


# Everything that Schemathesis checks is checked. Where a check's own list of statuses is not what
# the contract promises, the list stands here with its reason.
_REFUSALS = (
    # And 413: a body over the limit is refused unread.
    *("400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"),
    "5xx",
)
CHECK_OPTIONS: Mapping[str, Any] = {
    "negative_data_rejection": {"expected-statuses": list(_REFUSALS)},
}
OPERATION_OPTIONS: tuple[Mapping[str, Any], ...] = (
    {
        # And 204: an id that is too long is nobody's, and removing who is no member is no error.
        "include-operation-id": "remove_workspace_member",
        "checks": {"negative_data_rejection": {"expected-statuses": [*_REFUSALS, "204"]}},
    },
    {
        # Deleting takes an override or a setting away; reading then tells what holds without it.
        "include-operation-id": [
            "admin_get_user_quota",
            "admin_get_workspace_quota",
            "admin_get_workspace_llm_quota",
            "get_workspace_llm_quota",
            "get_workspace_llm_config",
        ],
        "checks": {"use_after_free": {"enabled": False}},
    },
)


def try_part(
    context: Context,
    part: Part,
    operations: Sequence[Operation],
    differential: Differential,
    reading: Reading,
    settings: Mapping[str, Any],
) -> None:
    """Run the engine on one part.

    Args:
        context: Where, and with which accounts.
        part: Who calls.
        operations: What is called.
        differential: Compares each case with the SDK.
        reading: Takes what comes of it.
        settings: More of Schemathesis's configuration: which phases, how many examples.
    """
    contract, target, people = context.contract, context.target, context.people
    chosen = [operation.id for operation in operations]
    caller, given = people[part.caller], context.scene is not None
    scene = context.scene or set_scene(contract, people, PEERS[0], {COLLEAGUE: "developer"}, caller)
    home = Home(target, people, scene)
    others = [people[name] for name in part.peers if name != part.caller]
    stage = Stage(people, scene, PEERS[0], caller)
    own = OwnWorkspaces(caller, stage.owned if part.caller == PEERS[0] and not given else set())
    writes = [ForeignWrites(target, caller, other, stage.owned) for other in others]

    def before_call(hook: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
        fit_bytes(contract, case)
        if not given:
            stage.before_call(case)
        home.bring(case)
        for each in writes:
            each.before_call(case)

    def sdk_parity(check: CheckContext, response: Response, case: Case[Any]) -> None:
        check_parity(differential, reading.operation(case.operation.label), response, case)

    def foreign_write(check: CheckContext, response: Response, case: Case[Any]) -> None:
        for each in writes:
            each.check(case)

    def own_workspace(check: CheckContext, response: Response, case: Case[Any]) -> None:
        own.check(reading.operation(case.operation.label), response, case)

    def none_kept(failure: Failure, case: Case[Any], response: Response) -> bool:
        """Whether a value is left out in a workspace that has none, so that 400 is right."""
        return (
            isinstance(failure, RejectedPositiveData)
            and response.status_code == 400
            and lacks_kept(case.operation.definition.raw["operationId"], case.body)
            and scene.parameters.get("workspace_id") not in case.path_parameters.values()
        )

    def filter_failure(
        hook: HookContext, failure: Failure, case: Case[Any], response: Response
    ) -> bool:
        return not (HELD_BACK in response.headers or none_kept(failure, case, response))

    with ExitStack() as stack:
        identities = stack.enter_context(_identities(part, people))
        config = _config(contract, identities, chosen, reading.result.seed, settings)
        stack.enter_context(
            _extended((before_call, filter_failure), (sdk_parity, foreign_write, own_workspace))
        )
        stack.enter_context(target.watching_schemathesis())
        for event in from_schema(target.schema(scene.document(), config)).execute():
            reading.take(event)


def _documented_failures(contract: Contract) -> Iterator[dict[str, Any]]:
    """Where a failing outside service is documented, what says so is no failure of the server."""
    for operation in contract.operations.values():
        if failures := [str(status) for status in operation.responses if status >= 500]:
            expected = {"expected-statuses": ["2xx", "3xx", "4xx", *failures]}
            yield {
                "include-operation-id": operation.id,
                "checks": {"not_a_server_error": expected},
            }


def _config(
    contract: Contract,
    identities: Mapping[str, Any],
    chosen: list[str],
    seed: int | None,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "seed": seed,
        "workers": 1,  # with more, the order of cases is a matter of chance
        "continue-on-failure": True,
        "cache": {"enabled": False},
        "analysis": {"constants": {"enabled": False}},
        "auth": {"wfc": identities},
        "checks": dict(CHECK_OPTIONS),
        "operations": [
            {"exclude-operation-id": chosen, "enabled": False},
            *(dict(options) for options in OPERATION_OPTIONS),
            *_documented_failures(contract),
        ],
        **settings,
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
def _extended(
    hooks: tuple[Callable[..., Any], ...], checks: tuple[Callable[..., None], ...]
) -> Iterator[None]:
    """More checks and hooks for one run: Schemathesis keeps them for all."""
    load_all_checks()
    for check in checks:
        schemathesis.check(check)
    for hook in hooks:
        schemathesis.hook(hook)
    try:
        yield
    finally:
        for hook in hooks:
            unregister_hook(hook)
        for check in checks:
            CHECKS.unregister(check.__name__)
