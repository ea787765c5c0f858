"""Schemathesis's engine on a server, with the checks that the suite adds to its own.

Operations are tried in parts, each by one account: if one called them all, each 403 would be read
as a wrong identity, and hardly any write would ever succeed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemathesis
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.engine import from_schema
from schemathesis.hooks import unregister as unregister_hook

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.contract.roles import AGENT
from agentserver_contract.data.tables import exceptions, is_exception
from agentserver_contract.fixtures.accounts import COLLEAGUE, TENANTS, Account, Accounts
from agentserver_contract.fixtures.callers import with_token
from agentserver_contract.fixtures.examples import prepare_examples
from agentserver_contract.http.differential import Differential
from agentserver_contract.http.target import GUARD_HEADER
from agentserver_contract.schemathesis.case_rewrites import CaseRewrites
from agentserver_contract.schemathesis.checks import (
    ForeignWrites,
    OtherCredentials,
    OwnWorkspaces,
    check_parity,
)
from agentserver_contract.schemathesis.events import EventCollector

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, HookContext, Response
    from schemathesis.core.failures import Failure


@dataclass(frozen=True)
class Part:
    """Operations that one account calls, in one run of the engine."""

    caller: str
    includes: Callable[[Operation], bool]
    """Whether an operation belongs to it."""
    tenants: tuple[str, ...] = ()
    """Accounts that must see nothing of each other's; the caller is the first of them."""

    def operations(self, context: Context, among: Iterable[Operation]) -> list[Operation]:
        """Those of some operations that belong to it, and take the caller's credential."""
        caller = context.accounts[self.caller]
        return [
            each
            for each in among
            if self.includes(each) and caller.can_sign(context.contract, each)
        ]


def parts_of_run(people: Iterable[Part], accounts: Accounts) -> list[Part]:
    """The parts of a run: those of the people that it has, and one for each valid bearer token."""
    tenants = TENANTS if accounts.by_name.keys() >= set(TENANTS) else ()
    valid = (name for name in with_token(accounts) if not accounts[name].ended)
    tokens = [Part(name, _keeps_session) for name in (*valid, AGENT)]
    # Who administers comes last: the limits that are set then apply to what the others need.
    parts = sorted((*people, *tokens), key=lambda part: part.caller == "admin")
    return [
        replace(part, tenants=tenants if part.tenants else ())
        for part in parts
        if part.caller in accounts.by_name
    ]


def _keeps_session(operation: Operation) -> bool:
    return not is_exception("ends-session", operation.id)


LONGEST_BOUND = 1000
"""Characters; a longer string is hardly ever drawn."""

# Every check of Schemathesis is made. Where its own list of statuses is not what the contract
# promises, the list is given here.
_REFUSALS = (
    # And 413: a body over the limit is refused unread.
    *("400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"),
    "5xx",
)


def run_part(
    context: Context,
    part: Part,
    operations: Sequence[Operation],
    differential: Differential,
    collector: EventCollector,
    settings: Mapping[str, Any],
) -> None:
    """Run the engine on one part.

    Args:
        context: The server, and the accounts of the run.
        part: Who calls.
        operations: What is called.
        differential: Compares each case with the SDK.
        collector: Collects the events.
        settings: More of Schemathesis's configuration: which phases, how many examples.
    """
    contract, target, accounts = context.contract, context.target, context.accounts
    owner, caller = TENANTS[0], accounts[part.caller]
    examples = context.examples or prepare_examples(
        contract, accounts, owner=owner, members={COLLEAGUE: "developer"}, caller=caller
    )
    tenants = [accounts[name] for name in part.tenants]
    rewrites = CaseRewrites(context, examples, owner, caller, tenants)
    others = [tenant for tenant in tenants if tenant.name != part.caller]
    created_here = part.caller == owner and context.examples is None
    own = OwnWorkspaces(contract, caller, rewrites.owned if created_here else set())
    writes = [ForeignWrites(target, caller, other, rewrites.owned) for other in others]
    credentials = OtherCredentials(contract, target, _of_each_kind(accounts))

    def before_call(hook: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
        rewrites.apply(case)
        for each in writes:
            each.before_call(case)
        credentials.before_call(collector.operation(case.operation.label), case)

    def sdk_parity(check: CheckContext, response: Response, case: Case[Any]) -> None:
        check_parity(differential, collector.operation(case.operation.label), response, case)

    def foreign_write(check: CheckContext, response: Response, case: Case[Any]) -> None:
        for each in writes:
            each.check(case)

    def other_credential(check: CheckContext, response: Response, case: Case[Any]) -> None:
        credentials.check(case)

    def own_workspace(check: CheckContext, response: Response, case: Case[Any]) -> None:
        own.check(collector.operation(case.operation.label), response, case)

    def filter_failure(
        hook: HookContext, failure: Failure, case: Case[Any], response: Response
    ) -> bool:
        is_blocked = GUARD_HEADER in response.headers
        return not (is_blocked or rewrites.explain(failure, case, response.status_code))

    with ExitStack() as stack:
        identities = stack.enter_context(_identities(part, accounts))
        chosen = [operation.id for operation in operations]
        config = _config(contract, identities, chosen, collector.result.seed, settings)
        stack.enter_context(
            _extended(
                (before_call, filter_failure),
                (sdk_parity, foreign_write, other_credential, own_workspace),
            )
        )
        stack.enter_context(target.hooked_schemathesis())
        document = without_long_bounds(examples.document())
        for event in from_schema(target.schema(document, config)).execute():
            collector.handle(event)


def without_long_bounds(document: Any) -> Any:
    """A document whose strings have no upper bound where random text does not come near it.

    Of a pattern and a bound Schemathesis makes one regular expression with as many repetitions,
    which takes up to a second to compile, and it does that again and again. What is as long as a
    bound allows, and longer, is sent by the layer of values.
    """
    if isinstance(document, list):
        return [without_long_bounds(each) for each in document]
    if not isinstance(document, dict):
        return document
    bound = document.get("maxLength")
    is_long = isinstance(bound, int) and bound > LONGEST_BOUND
    return {
        name: without_long_bounds(value)
        for name, value in document.items()
        if not (is_long and name == "maxLength")
    }


def _of_each_kind(accounts: Accounts) -> list[Account]:
    """One account for each kind of credential that the run has, where it has several."""
    by_scheme = {account.scheme: account for account in accounts.by_name.values()}
    return list(by_scheme.values())


def _exceptions() -> Iterator[dict[str, Any]]:
    """The operations of which Schemathesis expects something that they need not do."""
    for each in exceptions("accepts-unknown-id"):
        statuses = [*_REFUSALS, str(each.status)]
        yield {
            "include-operation-id": sorted(each.operations),
            "checks": {"negative_data_rejection": {"expected-statuses": statuses}},
        }
    for each in exceptions("readable-after-delete"):
        yield {
            "include-operation-id": sorted(each.operations),
            "checks": {"use_after_free": {"enabled": False}},
        }


def _documented_failures(contract: Contract) -> Iterator[dict[str, Any]]:
    """Where the failure of an outside service is documented, a status that says so is right."""
    alike: dict[tuple[str, ...], list[str]] = {}  # each entry costs time in every case
    for operation in contract.operations.values():
        if failures := tuple(str(status) for status in operation.responses if status >= 500):
            alike.setdefault(failures, []).append(operation.id)
    for failures, operations in alike.items():
        expected = {"expected-statuses": ["2xx", "3xx", "4xx", *failures]}
        yield {
            "include-operation-id": operations,
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
        "workers": 1,  # with more, the order of cases would be random
        "continue-on-failure": True,
        "cache": {"enabled": False},
        "analysis": {"constants": {"enabled": False}},
        "auth": {"wfc": identities},
        "checks": {"negative_data_rejection": {"expected-statuses": list(_REFUSALS)}},
        "operations": [
            {"exclude-operation-id": chosen, "enabled": False},
            *_exceptions(),
            *_documented_failures(contract),
        ],
        **settings,
    }


@contextmanager
def _identities(part: Part, accounts: Accounts) -> Iterator[dict[str, Any]]:
    """The caller and the tenants, in a Web Fuzzing Commons file that is removed after the run."""
    entries = [
        {"name": name, "fixedHeaders": [{"name": header.title(), "value": value}]}
        for name in dict.fromkeys((part.caller, *part.tenants))
        for header, value in accounts[name].credential.items()
    ]
    with tempfile.TemporaryDirectory(prefix="agentserver-contract-") as folder:
        path = Path(folder) / "identities.json"
        path.write_text(json.dumps({"schemaVersion": "0.2.0", "auth": entries}))
        identities: dict[str, Any] = {"path": str(path), "user": part.caller}
        yield identities | ({"peers": list(part.tenants)} if part.tenants else {})


@contextmanager
def _extended(
    hooks: tuple[Callable[..., Any], ...], checks: tuple[Callable[..., None], ...]
) -> Iterator[None]:
    """More checks and hooks for one run, as Schemathesis would keep them for all."""
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
