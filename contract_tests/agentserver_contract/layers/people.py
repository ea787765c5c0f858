"""Accounts that are easily confused, and the roles that they are given.

Each account sees itself and no other one; its password opens no other account; a role counts and is
shown as soon as it is given; and who administers the installation has no more rights in a workspace
than the role there gives.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from agentserver_contract.context import Context
from agentserver_contract.contract.document import JSON, Operation
from agentserver_contract.contract.roles import WORKSPACE_ROLES, refusal_of
from agentserver_contract.data.tables import status_of_nothing, tables
from agentserver_contract.fixtures.accounts import (
    COLLEAGUE,
    NEWCOMER,
    TENANTS,
    Account,
    login_request,
)
from agentserver_contract.fixtures.examples import Examples, prepare_examples
from agentserver_contract.fixtures.snapshot import OUTSIDE
from agentserver_contract.fixtures.workspaces import team_with
from agentserver_contract.http.messages import Exchange, Request, cookie
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.layers.roles import request_of
from agentserver_contract.layers.sending import Sender, fields_of, rows_of
from agentserver_contract.results.findings import LayerResult

NAME = "people"
_ROLES_OF_ACCOUNTS = ("admin.users.set_role", "auth.me", "admin.users.list")
_ALIKE = (TENANTS, (NEWCOMER, COLLEAGUE))


def run(context: Context) -> LayerResult:
    """Let every account see itself, try passwords crosswise, and give roles."""
    result = context.new_result(NAME)
    people = _People(context, Sender(context, result))
    for check in (
        people.see_themselves,
        people.have_passwords_of_their_own,
        people.get_roles_at_once,
    ):
        with attempt(result, check.__name__.replace("_", " ")):
            check()
    return result


class _People:
    def __init__(self, context: Context, sender: Sender) -> None:
        self.context = context
        self.accounts = context.accounts
        self.sender = sender

    def see_themselves(self) -> None:
        """Each account, right after it was made, as it was made."""
        if (operation := self.sender.operation("auth.me")) is None:
            return
        for account in self._with_passwords():
            shown = {"id": account.id, "email": account.email}
            shown["role"] = "admin" if account.name == "admin" else "user"
            self._expect_shown(operation, account, shown)

    def have_passwords_of_their_own(self) -> None:
        """The password of one account does not open another one."""
        if (operation := self.sender.operation("auth.login")) is None:
            return
        for account, other in self._pairs():
            request = login_request(account.email, other.password)
            exchange = self.sender.send(operation, request)
            if exchange.response.status != 401:
                self.sender.found(
                    operation,
                    "a password opens the account that it belongs to, and no other one",
                    expected=f"401, as this is the password of {other.email}",
                    actual=exchange.response.status,
                    check="password",
                    exchange=exchange,
                )

    def get_roles_at_once(self) -> None:
        """An account becomes an administrator, and an ordinary user again."""
        # All of it by one shard, as there is one account that has both roles.
        every = filter(self.context.plan.includes, self.context.contract.operations.values())
        chosen = {each.id: each for each in every}
        administered = [each for each in chosen.values() if each.required_role == "admin"]
        rows = [row for row in tables().callers if row.required_role in WORKSPACE_ROLES]
        by_sdk = self.context.contract.operations_by_sdk
        if not by_sdk.keys() >= set(_ROLES_OF_ACCOUNTS):
            return
        set_role, *shown_by = (by_sdk[name] for name in _ROLES_OF_ACCOUNTS)
        of_rows = [self.context.contract.operations[row.operation] for row in rows]
        if not self.context.tries(set_role, *shown_by, *of_rows, *administered):
            return
        colleague = self.accounts[COLLEAGUE]
        examples = self._examples(colleague)
        try:
            self._give_role(set_role, colleague, "admin")
            for row in rows:
                each = chosen.get(row.operation)
                if each is not None and colleague.can_sign(self.context.contract, each):
                    request = request_of(row, each, examples, colleague.credential)
                    status = refusal_of(row.required_role, "guest")
                    if self._expect_as_guest(each, str(row), request, status) and status:
                        examples = self._examples(colleague)  # what it has changed is no fault
            for each in administered:
                if each.is_read and colleague.can_sign(self.context.contract, each):
                    request = examples.request(each, colleague.credential)
                    self._expect_as_guest(each, each.id, request, None)
        finally:
            self._give_role(set_role, colleague, "user")

    def _examples(self, caller: Account) -> Examples:
        return prepare_examples(
            self.context.contract,
            self.accounts,
            owner="owner",
            members=team_with("guest"),
            caller=caller,
        )

    def _expect_as_guest(
        self, operation: Operation, what: str, request: Request, status: int | None
    ) -> bool:
        """An administrator who is a guest may do what guests may, and what administrators may.

        Returns:
            Whether the request was accepted.
        """
        exchange = self.sender.send(operation, request)
        actual = exchange.response.status
        outside = actual in OUTSIDE and actual in operation.responses
        accepted = exchange.response.succeeded
        if outside or actual == status_of_nothing(operation.id):
            return accepted
        if accepted if status is None else actual == status:
            return accepted
        self.sender.found(
            operation,
            "an administrator who is a guest of a workspace has the rights of both, and no more "
            f"({what})",
            expected="2xx" if status is None else status,
            actual=actual,
            check="administrator and guest",
            exchange=exchange,
        )
        return accepted

    def _give_role(self, operation: Operation, account: Account, role: str) -> None:
        """Give a role, and look at once what is shown of it."""
        path = operation.path.format(user_id=account.id)
        headers = {**cookie(self.accounts["admin"].session), "content-type": JSON}
        body = json.dumps({"role": role}).encode()
        given = self.sender.send(operation, Request(operation.method, path, headers, body))
        if not given.response.succeeded:
            self.sender.found(
                operation,
                "an administrator gives an account another role",
                expected="2xx",
                actual=given.response.status,
                check="role",
                exchange=given,
            )
            return
        wrong = list(self._wrong_views(account, role))
        if not wrong:
            return
        views = [each for each, _, _ in wrong]
        if len(views) > 1:  # what every view shows is what was stored
            wrong = [(operation, given, wrong[0][2])]
        for at_fault, exchange, shown in wrong:
            self.sender.found(
                at_fault,
                "a role counts and is shown as soon as it is given",
                expected=f"the role {role} of {account.email}",
                actual=f"{shown} (shown by {', '.join(view.id for view in views)})",
                check="role",
                exchange=exchange,
            )

    def _wrong_views(
        self, account: Account, role: str
    ) -> Iterator[tuple[Operation, Exchange, object]]:
        """The operations that show another role than the one that was given."""
        operations = self.context.contract.operations_by_sdk
        me, every = operations["auth.me"], operations["admin.users.list"]
        exchange = self.sender.send(me, Request(me.method, me.path, cookie(account.session)))
        if (shown := fields_of(exchange).get("role")) != role:
            yield me, exchange, shown
        headers = cookie(self.accounts["admin"].session)
        exchange = self.sender.send(every, Request(every.method, every.path, headers))
        listed = [row.get("role") for row in rows_of(exchange) if row.get("id") == account.id]
        if listed != [role]:
            yield every, exchange, listed

    def _expect_shown(
        self, operation: Operation, account: Account, expected: dict[str, str]
    ) -> None:
        request = Request(operation.method, operation.path, cookie(account.session))
        exchange = self.sender.send(operation, request)
        shown = {name: fields_of(exchange).get(name) for name in expected}
        if exchange.response.status != 200 or shown != expected:
            self.sender.found(
                operation,
                "every account sees itself as it was made",
                expected=f"200 and {expected}",
                actual=f"{exchange.response.status} and {shown}",
                check="account",
                exchange=exchange,
            )

    def _with_passwords(self) -> list[Account]:
        """The accounts of people, as tokens have no password."""
        return [each for each in self.accounts.by_name.values() if not each.token]

    def _pairs(self) -> Iterator[tuple[Account, Account]]:
        """Each account of the run with the next one, and those whose addresses are alike."""
        guard = self.context.target.guard
        own = [each for each in self._with_passwords() if guard is None or guard.owns(each.id)]
        yield from zip(own, [*own[1:], *own[:1]], strict=True)
        for first, second in _ALIKE:
            yield self.accounts[first], self.accounts[second]
            yield self.accounts[second], self.accounts[first]
