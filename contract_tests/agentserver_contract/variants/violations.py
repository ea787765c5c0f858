"""What can be wrong with a request of an operation, and which of two faults is answered.

The contract says in which order a request is checked: the identity, the permission, the body or the
query, the state, the quota; where one of these names the workspace, the permission comes after it.
Where a request is wrong in two ways, the first in this order is answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import combinations

from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.contract.roles import WORKSPACE_ROLES, may_call
from agentserver_contract.contract.security import COOKIE, kinds_of
from agentserver_contract.data.tables import Conflict, is_exception
from agentserver_contract.fixtures.accounts import Account, Accounts
from agentserver_contract.fixtures.callers import refusal, with_token
from agentserver_contract.fixtures.examples import Examples
from agentserver_contract.fixtures.sandboxes import PARAMETER as SANDBOX
from agentserver_contract.fixtures.states import with_conflict
from agentserver_contract.fixtures.tasks import PARAMETER as TASK
from agentserver_contract.fixtures.workspaces import PARAMETER
from agentserver_contract.http.guard import NO_SUCH
from agentserver_contract.http.messages import Request, bearer, cookie
from agentserver_contract.variants import bodies
from agentserver_contract.variants.drafts import Change, Draft
from agentserver_contract.variants.queries import invalid_queries

INVALID_SESSION = "0badc0de" * 8
_FORBIDDEN = 403


class Rank(IntEnum):
    """The order of checks."""

    IDENTITY = 1
    PERMISSION = 2
    BODY = 3
    NAMED_PERMISSION = 4
    """The permission, where the body or the query names the workspace."""
    STATE = 5
    QUOTA = 6


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a request."""

    name: str
    rank: Rank
    status: int
    part: str
    """The part of the request that is wrong: two of one part cannot be combined."""
    apply: Callable[[Draft], Draft]
    conflict: Conflict | None = None
    """The conflict of the tables that it is, if it is one."""
    is_costly: bool = False
    """Whether it is combined with one other of each rank only."""
    is_ordered: bool = True
    """Whether the contract says what is checked after it, and not only what is checked before."""


@dataclass(frozen=True)
class Trial:
    """A request, and the refusal that is promised."""

    name: str
    check: str
    """What the promised refusal is for: the first thing that is wrong."""
    status: int
    media_type: str
    draft: Draft
    conflict: Conflict | None = None

    @property
    def request(self) -> Request:
        """The request."""
        return self.draft.request()


def trials_of(draft: Draft, violations: list[Violation]) -> Iterator[Trial]:
    """A request with each violation alone, and one with each two that differ in their rank.

    Args:
        draft: A request that works.
        violations: What can be wrong with it.
    """
    for each in violations:
        yield _trial(draft, each)
    for first, second in combinations(sorted(violations, key=lambda each: each.rank), 2):
        if first.rank != second.rank and first.part != second.part and first.is_ordered:
            costly = first.is_costly or second.is_costly
            if not costly or _is_first_of_rank(first if second.is_costly else second, violations):
                yield _trial(draft, first, second)


def violations_of(
    operation: Operation, accounts: Accounts, examples: Examples, conflicts: list[Conflict]
) -> list[Violation]:
    """What can be wrong with a request of an operation.

    Args:
        operation: Which.
        accounts: The accounts of the run.
        examples: A workspace, and what is in it.
        conflicts: The conflicts of the operation that this server can have.
    """
    return [
        *_of_identity(operation, accounts, examples.contract),
        *_of_permission(operation, accounts, examples.contract),
        *_of_body(operation),
        *_of_query(operation, examples.contract),
        *_of_ids(operation),
        *(_of_state(conflict, operation, accounts) for conflict in conflicts),
    ]


def _trial(draft: Draft, *violations: Violation) -> Trial:
    first = min(violations, key=lambda each: each.rank)
    # What is changed in the end must be changed last, as it replaces the whole body.
    for each in sorted(violations, key=lambda each: each.rank == Rank.BODY):
        draft = each.apply(draft)
    names = " and ".join(each.name for each in violations)
    media_type = JSON if first.rank == Rank.QUOTA else "text/plain"
    conflict = next((each.conflict for each in violations if each.conflict), None)
    return Trial(names, first.name, first.status, media_type, draft, conflict)


def _is_first_of_rank(violation: Violation, violations: list[Violation]) -> bool:
    return violation is next(each for each in violations if each.rank == violation.rank)


def _called_with(credential: Mapping[str, str]) -> Callable[[Draft], Draft]:
    return lambda draft: replace(draft, credential=credential)


def _changed(change: Callable[[Request], Request]) -> Callable[[Draft], Draft]:
    return lambda draft: draft.changed(change)


def _of_identity(
    operation: Operation, accounts: Accounts, contract: Contract
) -> Iterator[Violation]:
    if not operation.is_secured:
        return
    kinds = kinds_of(contract, operation)
    wrong: list[tuple[str, Mapping[str, str]]] = [("no credential", {})]
    wrong += [
        (f"an unknown {'session' if kind == COOKIE else 'token'}", _unknown(kind)) for kind in kinds
    ]
    wrong += [
        (f"a credential for {account.scheme or 'sessions'} alone", account.credential)
        for account in _one_of_each_kind(accounts)
        if not account.can_sign(contract, operation)
    ]
    for name, credential in wrong:
        yield Violation(name, Rank.IDENTITY, 401, "caller", _called_with(credential))


def _unknown(kind: str) -> dict[str, str]:
    return cookie(INVALID_SESSION) if kind == COOKIE else bearer(INVALID_SESSION)


def _one_of_each_kind(accounts: Accounts) -> Iterator[Account]:
    """A session, and a token of each scheme, as far as the run has them."""
    by_scheme = {account.scheme: account for account in accounts.by_name.values()}
    yield from by_scheme.values()


def _of_permission(
    operation: Operation, accounts: Accounts, contract: Contract
) -> Iterator[Violation]:
    role = operation.required_role or "none"
    # Of those with a session, the role that comes closest without being enough.
    below = [each for each in WORKSPACE_ROLES if each not in may_call(role)][-1:]
    rank = Rank.NAMED_PERMISSION if operation.workspace_in else Rank.PERMISSION
    near = below if role in WORKSPACE_ROLES else ["owner"]
    for caller in ("outsider", *near, *with_token(accounts)):
        account = accounts.by_name.get(caller)
        if account and refusal(contract, operation, accounts, role, caller) == _FORBIDDEN:
            yield Violation(f"a caller who is {caller}", rank, _FORBIDDEN, "caller",
                            _called_with(account.credential))  # fmt: skip
    in_query = operation.workspace_in == "query"
    if role in WORKSPACE_ROLES and (PARAMETER in operation.path_parameters or in_query):
        yield Violation("an unknown workspace", rank, 403, PARAMETER,
                        lambda draft: draft.with_id(PARAMETER, f"{NO_SUCH}workspace"))  # fmt: skip

    if (field := operation.workspace_field) is not None and not in_query:
        yield Violation("an unknown workspace", rank, _FORBIDDEN, "body",
                        _changed(_naming(field, f"{NO_SUCH}workspace")))  # fmt: skip


def _of_body(operation: Operation) -> Iterator[Violation]:
    if operation.body is None:
        return
    changes: list[tuple[str, Change]] = [
        ("a body that is not JSON", bodies.BROKEN),
        ("a field of another type", _mistyped),
    ]
    if operation.body_required:
        changes.append(("no body", bodies.with_body(b"")))
    for name, change in changes:
        yield Violation(name, Rank.BODY, 400, "body", _changed(change))
    yield Violation("a body called text/plain", Rank.BODY, 415, "body", _changed(bodies.as_text))
    yield Violation(
        "a body over the limit", Rank.BODY, 413, "body", _changed(bodies.over_limit),
        is_costly=True,
    )  # fmt: skip
    yield Violation(
        "a body over the limit in chunks", Rank.BODY, 413, "body",
        _changed(bodies.over_limit_in_chunks), is_costly=True, is_ordered=False,
    )  # fmt: skip


def _of_query(operation: Operation, contract: Contract) -> Iterator[Violation]:
    """An invalid query, which is read after permissions are checked, as the body is."""
    for name, change in invalid_queries(contract, operation):
        yield Violation(
            *(f"a query in which {name}", Rank.BODY, 400, "query", _changed(change)),
            is_costly=True,
            is_ordered=False,
        )


def _of_ids(operation: Operation) -> Iterator[Violation]:
    """An unknown thing, where that is no question of permission."""
    for parameter in operation.path_parameters:
        asks_permission = parameter == PARAMETER and operation.required_role in WORKSPACE_ROLES
        if asks_permission or is_exception("accepts-unknown-id", operation.id):
            continue
        rank = Rank.PERMISSION if operation.role_is_of_thing else Rank.STATE
        if 404 in operation.responses:
            yield Violation("an unknown id", rank, 404, parameter,
                            lambda draft, name=parameter: draft.with_id(name, f"{NO_SUCH}{name}"))  # type: ignore[misc]  # fmt: skip


def _of_state(conflict: Conflict, operation: Operation, accounts: Accounts) -> Violation:
    def apply(draft: Draft) -> Draft:
        return replace(draft, examples=with_conflict(conflict, operation, accounts, draft.examples))

    rank = Rank.QUOTA if conflict.status == 403 else Rank.STATE
    parts = {"user_id": conflict.user, SANDBOX: conflict.sandbox, TASK: conflict.task}
    part = next((name for name, value in parts.items() if value), "state")
    return Violation(conflict.name, rank, conflict.status, part, apply, conflict)


def _naming(field: str, value: str) -> Change:
    """The change that puts another text into a field."""

    def change(request: Request) -> Request:
        body = {**json.loads(request.body or b"{}"), field: value}
        return replace(request, body=json.dumps(body).encode())

    return change


def _mistyped(request: Request) -> Request:
    """The request with its first field as an object or a number, whichever it is not."""
    body = json.loads(request.body or b"{}")
    name = next(iter(body))
    return replace(request, body=json.dumps({**body, name: [{}]}).encode())
