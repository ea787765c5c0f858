"""Who may call what: every operation, called by every kind of caller.

A caller that may call an operation succeeds; another one gets exactly the refusal that the table of
roles says, and nothing that can be read afterwards has changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation, escape
from agentserver_contract.contract.roles import (
    AGENT,
    AGENTS,
    ANONYMOUS,
    CALLERS,
    EXPIRED_SESSION,
    INVALID_SESSION,
    WORKSPACE_ROLES,
    may_call,
)
from agentserver_contract.data.tables import Caller, is_exception, status_of_nothing, tables
from agentserver_contract.fixtures.accounts import email_of, log_in
from agentserver_contract.fixtures.callers import (
    invalid_beside,
    invalid_credential,
    reason_unsigned,
    refusal,
    signed,
    with_token,
)
from agentserver_contract.fixtures.examples import Examples, prepare_examples
from agentserver_contract.fixtures.snapshot import OUTSIDE, differences, snapshot
from agentserver_contract.fixtures.workspaces import (
    PARAMETER,
    deletes_workspace,
    remove_workspace,
    team_with,
)
from agentserver_contract.http.guard import Blocked
from agentserver_contract.http.head import wrong_head
from agentserver_contract.http.messages import Exchange, Request, cookie
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.layers.lifetimes import MARGIN, promised_lifetime, session_of_age
from agentserver_contract.results.findings import Finding, LayerResult

NAME = "roles"
_WITHOUT_ACCOUNT = (ANONYMOUS, INVALID_SESSION, EXPIRED_SESSION)
_OWNER = "owner"
_TOGETHER = 8
"""After how many rows it is seen whether something has changed: that is read everywhere, and costs
more than the refusals themselves."""
_OTHER_COOKIES = ("theme=dark", 'language="de"')
"""What a browser sends beside the session: the cookies of everything on the same host."""


def run(context: Context) -> LayerResult:
    """Call every operation as every kind of caller."""
    matrix = _Matrix(context)
    rows = [
        (row, operation)
        # What administers comes last, as it changes the limits that the other calls depend on.
        for operation in sorted(context.operations, key=lambda each: each.required_role == "admin")
        for row in _rows(operation)
    ]
    # Refusals come first: as long as nothing changes, each row finds what the one before it left.
    for try_row in (matrix.try_refused, matrix.try_allowed):
        for row, operation in rows:
            with attempt(matrix.result, str(row)):
                try_row(row, operation)
        with attempt(matrix.result, NAME):
            matrix.check_unchanged()
    return matrix.result


def _rows(operation: Operation) -> list[Caller]:
    """The rows of an operation; of one that is not in the table, what the contract says."""
    declared = Caller(operation.id, operation.required_role or "none", "declared")
    return [row for row in tables().callers if row.operation == operation.id] or [declared]


@dataclass(frozen=True)
class _Refused:
    """A row, and who was refused, since it was last seen whether something has changed."""

    row: Caller
    operation: Operation
    callers: list[str]

    def __str__(self) -> str:
        return f"after {self.operation.id} as {' or '.join(self.callers)}"


class _Matrix:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.target = context.target
        self.accounts = context.accounts
        self.result = context.new_result(NAME)
        self._tried_head: set[str] = set()
        self._tried_beside: set[tuple[str, frozenset[str]]] = set()
        self.examples = self._examples(_OWNER)
        self._before: Any = None
        """What could be read before the refusals of which nothing is known yet; None where that is
        not known."""
        self._unchecked: list[_Refused] = []

    def try_refused(self, row: Caller, operation: Operation) -> None:
        """Call one operation as everybody who is refused."""
        self._check_declared(row, operation)
        statuses = {
            caller: self._refusal(row, operation, caller) for caller in self._callers(operation)
        }
        refused = {caller: status for caller, status in statuses.items() if status is not None}
        if refused:
            self._try_refused(row, operation, refused)

    def try_allowed(self, row: Caller, operation: Operation) -> None:
        """Call one operation as everybody who may."""
        if reason := reason_unsigned(self.context.contract, operation, self.accounts):
            self.result.not_run[str(row)] = reason
        for caller in self._callers(operation):
            if self._refusal(row, operation, caller) is None:
                try:
                    self._try_allowed(row, operation, caller)
                except Blocked as blocked:
                    self.result.not_run[f"{row} as {caller}"] = str(blocked)

    def _refusal(self, row: Caller, operation: Operation, caller: str) -> int | None:
        contract = self.context.contract
        return refusal(contract, operation, self.accounts, row.required_role, caller)

    def _callers(self, operation: Operation) -> Iterator[str]:
        """The kinds of callers that there are here."""
        people = [caller for caller in CALLERS if caller not in AGENTS]
        for caller in (*people, *self._agents(operation), *with_token(self.accounts)):
            if (reason := self._reason_impossible(caller, operation)) is not None:
                self.result.not_run[caller] = reason
            else:
                yield caller

    def _agents(self, operation: Operation) -> tuple[str, ...]:
        """The agents of a run; one stands for all where an operation takes no agent's token."""
        agent = self.accounts.by_name.get(AGENT)
        if agent is None:
            return ()
        return AGENTS if agent.can_sign(self.context.contract, operation) else (AGENT,)

    def _reason_impossible(self, caller: str, operation: Operation) -> str | None:
        """Why an operation cannot be called as this caller here, if it cannot."""
        if caller == EXPIRED_SESSION and self.context.shift_clock is None:
            return "over HTTP no session can be made to expire"
        if caller not in _WITHOUT_ACCOUNT and caller not in self.accounts.by_name:
            return "the run has no account with this role"
        foreign = self.context.examples is not None and operation.required_role in WORKSPACE_ROLES
        if foreign and caller == "admin":
            return "the administrator may have any role in workspaces that the run did not create"
        return None

    def _check_declared(self, row: Caller, operation: Operation) -> None:
        """The contract says the same as the row; fields of a body, and things of others, may only
        require more."""
        declared = may_call(operation.required_role or "none")
        allowed = may_call(row.required_role)
        may_be_stricter = bool(row.body) or row.of_others
        if allowed != declared and not (may_be_stricter and allowed < declared):
            self.result.add(
                Finding(
                    layer=NAME,
                    operation=operation.id,
                    promise=f"the contract says who may call it ({row})",
                    contract=f"{operation.pointer}/x-required-role",
                    detail=f"x-required-role is {operation.required_role}; "
                    f"required is {row.required_role}: {row.reason}",
                    check="declared",
                )
            )

    def _try_allowed(self, row: Caller, operation: Operation, caller: str) -> None:
        credential = self._credential(operation, caller)
        exchange = self._send_alone(row, operation, caller, credential)
        status = exchange.response.status
        succeeded = operation.is_success(status)
        if succeeded or status == status_of_nothing(operation.id):
            self.result.succeeded[operation.id] += succeeded
            if operation.method == "GET" and operation.id not in self._tried_head:
                self._try_head(operation, exchange.request)
                self._try_among_cookies(operation, exchange)
            if succeeded:
                self._try_beside_invalid(row, operation, caller, credential)
                if is_exception("ends-session", operation.id):
                    self._try_other_session(row, operation, caller)
        elif status in OUTSIDE and status in operation.responses:
            self.result.not_run[f"{row}"] = f"an outside service answers {status}"
        else:
            self._found(row, operation, f"{caller} may call it", "2xx", exchange)

    def _send_alone(
        self, row: Caller, operation: Operation, caller: str, credential: Mapping[str, str]
    ) -> Exchange:
        """Call once; a write gets a workspace of its own, so that no call meets what another one
        left."""
        reads = operation.method == "GET"
        with (
            nullcontext(self.examples)
            if reads
            else self._own_examples(operation, caller) as examples
        ):
            return self._send(row, operation, examples, credential)

    def _try_beside_invalid(
        self, row: Caller, operation: Operation, caller: str, credential: Mapping[str, str]
    ) -> None:
        """Call once more, with an invalid credential of every other kind that is taken as well."""
        beside = invalid_beside(self.context.contract, operation, self.accounts, credential)
        tried = operation.id, frozenset(credential)
        if not credential or not beside or tried in self._tried_beside:
            return
        self._tried_beside.add(tried)
        exchange = self._send_alone(row, operation, caller, {**credential, **beside})
        if not operation.is_success(exchange.response.status):
            promise = f"{caller} may call it, also with an invalid credential of another kind"
            self._found(row, operation, promise, "2xx", exchange)

    def _try_other_session(self, row: Caller, operation: Operation, caller: str) -> None:
        """Read with the session that the run has of a caller: only another one was to end."""
        account, read = self.accounts.by_name.get(caller), self._read_of_oneself
        if account is None or account.token or read is None:
            return
        request = self.examples.request(read, account.credential)
        exchange = Exchange(request, self.target.send(request))
        if not exchange.response.succeeded:
            promise = f"another session of {caller} does not end with it"
            self._found(row, operation, promise, "2xx", exchange)

    @cached_property
    def _read_of_oneself(self) -> Operation | None:
        """An operation by which every account may read with its session alone."""
        return next(
            (
                each
                for each in self.context.contract.operations.values()
                if each.is_read and each.required_role == "user" and not each.path_parameters
            ),
            None,
        )

    def _try_head(self, operation: Operation, get: Request) -> None:
        self._tried_head.add(operation.id)
        wrong, exchange = wrong_head(operation, get, self.target.send)
        if wrong:
            self.result.add(
                Finding(
                    layer=NAME,
                    operation=operation.id,
                    promise="HEAD is answered like GET, without a body",
                    contract="#/info/description",
                    detail="\n".join(wrong),
                    check="head",
                ).with_exchange(exchange.request, exchange.response, self.target.base_url)
            )

    def _try_among_cookies(self, operation: Operation, alone: Exchange) -> None:
        """Read once more, with the session between other cookies."""
        if alone.request.session is None:
            return
        before, after = _OTHER_COOKIES
        cookies = f"{before}; {alone.request.headers['cookie']}; {after}"
        request = replace(alone.request, headers={**alone.request.headers, "cookie": cookies})
        response = self.target.send(request)
        if response.status != alone.response.status:
            self.result.add(
                Finding(
                    layer=NAME,
                    operation=operation.id,
                    promise="a session is found between other cookies",
                    contract=f"{operation.pointer}/security",
                    detail=f"expected {alone.response.status} as with the session alone, "
                    f"got {response.status}",
                    check="cookies",
                ).with_exchange(request, response, self.target.base_url)
            )

    def _try_refused(self, row: Caller, operation: Operation, refused: Mapping[str, int]) -> None:
        """Call as everybody who is refused."""
        if EXPIRED_SESSION in refused or is_exception("ends-session", operation.id):
            self.check_unchanged()
            self._before = None  # sessions are opened
        credentials = {caller: self._credential(operation, caller) for caller in refused}
        if self._before is None:
            self._before = self._snapshot()
        callers: list[str] = []
        self._unchecked.append(_Refused(row, operation, callers))
        for caller, status in refused.items():
            try:
                exchange = self._send(row, operation, self.examples, credentials[caller])
            except Blocked as blocked:
                self.result.not_run[f"{row} as {caller}"] = str(blocked)
                continue
            if exchange.response.status != status:
                promise = f"{caller} is refused with {status}"
                self._found(row, operation, promise, str(status), exchange)
            if exchange.response.succeeded and not operation.is_read:
                # What it has changed is the doing of no refusal, and hides what those before did.
                self._check_again()
                callers = []
                self._unchecked.append(_Refused(row, operation, callers))
            else:
                callers.append(caller)
        if len(self._unchecked) >= _TOGETHER:
            self.check_unchanged()

    def check_unchanged(self) -> None:
        """See whether the refusals since the last look have changed something."""
        refused = self._taken()
        if not refused:
            return
        before, self._before = self._before, self._snapshot()
        if self._before == before:
            return
        changed = list(differences(before, self._before))
        if not self._find_changes(refused) and not self.context.plan.guarded:
            # Otherwise others may have changed it.
            first = refused[0]
            if len(refused) > 1:
                changed += map(str, refused)
            callers = " or ".join(first.callers)
            self._found_change(first.row, first.operation, callers, changed)

    def _check_again(self) -> None:
        """See whether the refusals since the last look change something when they are repeated, as
        it does not show any more what they have changed."""
        refused = self._taken()
        changed, _ = self._repeat(refused)
        if changed:
            self._find_changes(refused)

    def _taken(self) -> list[_Refused]:
        """What was refused since the last look, of which nothing else keeps a note."""
        refused, self._unchecked = self._unchecked, []
        return [each for each in refused if each.callers]

    def _find_changes(self, refused: Iterable[_Refused]) -> bool:
        """Find the refusals that change something when they are repeated; whether there are any."""
        found = False
        for each in refused:
            together, _ = self._repeat([each])
            for caller in each.callers if together else ():
                changed, exchange = self._repeat([replace(each, callers=[caller])])
                if changed:
                    found = True
                    self._found_change(each.row, each.operation, caller, changed, exchange)
        return found

    def _repeat(self, refused: Iterable[_Refused]) -> tuple[list[str], Exchange | None]:
        """Make calls that were refused once more, about other things: what that changes, and the
        last of them."""
        self.context.reset()
        self.examples = self._examples(_OWNER)
        calls = [
            (each, self._credential(each.operation, caller))
            for each in refused
            for caller in each.callers
        ]
        before, exchange = self._snapshot(), None
        for each, credential in calls:
            request = signed(request_of(each.row, each.operation, self.examples, {}), credential)
            exchange = Exchange(request, self.target.send(request))
        self._before = self._snapshot()
        return list(differences(before, self._before)), exchange

    def _found_change(
        self,
        row: Caller,
        operation: Operation,
        callers: str,
        changed: Iterable[str],
        exchange: Exchange | None = None,
    ) -> None:
        finding = Finding(
            layer=NAME,
            operation=operation.id,
            promise=f"a refusal of {callers} changes nothing ({row})",
            contract=f"{operation.pointer}/x-required-role",
            detail="expected no difference, got\n" + "\n".join(changed),
            check="matrix",
        )
        if exchange is not None:
            base_url = self.target.base_url
            finding = finding.with_exchange(exchange.request, exchange.response, base_url)
        self.result.add(finding)

    def _send(
        self, row: Caller, operation: Operation, examples: Examples, credential: Mapping[str, str]
    ) -> Exchange:
        self.result.cases[operation.id] += 1
        request = signed(request_of(row, operation, examples, {}), credential)
        return Exchange(request, self.target.send(request))

    def _credential(self, operation: Operation, caller: str) -> dict[str, str]:
        if caller == ANONYMOUS:
            return {}
        if caller == INVALID_SESSION:
            return invalid_credential(self.context.contract, operation)
        if caller == EXPIRED_SESSION:
            # A new one each time: a session that was refused once may be refused for that alone.
            age = self._lifetime + MARGIN
            return cookie(session_of_age(self.context, self.accounts[_OWNER], age))
        account = self.accounts[caller]
        if is_exception("ends-session", operation.id) and not account.token:
            return cookie(log_in(self.target, account.email, account.password))
        return account.credential

    @cached_property
    def _lifetime(self) -> timedelta:
        return promised_lifetime(self.context, self.accounts[_OWNER])

    def _examples(self, caller: str, only: Iterable[Operation] | None = None) -> Examples:
        if self.context.examples is not None:
            return self.context.examples
        known = self.accounts.by_name.get(caller)
        account = known if known is not None and known.password else self.accounts[_OWNER]
        return prepare_examples(
            self.context.contract,
            self.accounts,
            owner=_OWNER,
            members=team_with("guest"),
            caller=account,
            only=only,
        )

    @contextmanager
    def _own_examples(self, operation: Operation, caller: str) -> Iterator[Examples]:
        """What one operation needs, in a workspace of its own, which is removed again."""
        # What ends with a workspace is made for the operation that deletes it.
        examples = self._examples(caller, None if deletes_workspace(operation) else (operation,))
        try:
            yield examples
        finally:
            if PARAMETER in examples.parameters:
                remove_workspace(self.accounts, _OWNER, examples.parameters[PARAMETER])

    def _snapshot(self) -> Any:
        if self.context.plan.read_only:
            return None  # others may change what is read
        if self.context.snapshot is not None:
            return self.context.snapshot()
        return snapshot(self.accounts, self.examples)

    def _found(
        self, row: Caller, operation: Operation, promise: str, expected: str, exchange: Exchange
    ) -> None:
        status = exchange.response.status
        place = "x-required-role" if status < 400 else f"responses/{escape(expected)}"
        self.result.add(
            Finding(
                layer=NAME,
                operation=operation.id,
                promise=f"{promise} ({row})",
                contract=f"{operation.pointer}/{place}" if expected != "2xx" else operation.pointer,
                detail=f"expected {expected}, got {status}",
                check="matrix",
            ).with_exchange(exchange.request, exchange.response, self.target.base_url)
        )


def request_of(
    row: Caller, operation: Operation, examples: Examples, credential: Mapping[str, str]
) -> Request:
    """The request of a row of the table of callers."""
    fields = dict(row.body)
    if is_exception("creates-account", operation.id):
        fields["email"] = email_of(f"registered-{secrets.token_hex(6)}")
    if fields:
        examples = examples.with_body(operation, fields)
    return examples.request(operation, credential)
