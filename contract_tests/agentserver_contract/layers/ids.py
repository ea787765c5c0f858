"""Ids in paths: unknown ones, those of others, those of what is gone, and those that cannot be.

Each is tried with every operation, by every kind of caller: an id is opaque, one that is malformed
is like one that is unknown, and whether a workspace exists is for its members to know. So it is
with a body that changes nothing, as it has nothing but what is required.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation
from agentserver_contract.contract.roles import AGENTS, ANONYMOUS, CALLERS, INVALID_SESSION
from agentserver_contract.data.tables import role_for_things_of_others
from agentserver_contract.fixtures.accounts import TENANTS
from agentserver_contract.fixtures.callers import (
    caller_of,
    callers_of,
    invalid_credential,
    refusal,
    signed,
)
from agentserver_contract.fixtures.credentials import OTHER, add_credentials
from agentserver_contract.fixtures.credentials import PARAMETER as CREDENTIAL
from agentserver_contract.fixtures.examples import Examples, prepare_examples
from agentserver_contract.fixtures.executors import PARAMETER as EXECUTOR
from agentserver_contract.fixtures.executors import add_executor
from agentserver_contract.fixtures.im import PARAMETER as CHANNEL
from agentserver_contract.fixtures.im import add_channel
from agentserver_contract.fixtures.minted import add_minted
from agentserver_contract.fixtures.removed import removed_ids
from agentserver_contract.fixtures.sandboxes import PARAMETER as SANDBOX
from agentserver_contract.fixtures.sandboxes import RUNNING, add_sandboxes
from agentserver_contract.fixtures.snapshot import OUTSIDE
from agentserver_contract.fixtures.workspaces import PARAMETER, add_workspace, team_with
from agentserver_contract.http.guard import NO_SUCH, Blocked
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.layers.sending import Sender
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.variants.bodies import with_body
from agentserver_contract.variants.drafts import Draft
from agentserver_contract.variants.ids import BadId, malformed, status_of_unknown, with_segment

NAME = "ids"
_OWNER, _OTHERS = "owner", "others"
_SHARE = 4
"""A malformed id is tried by the caller who may call the operation, and one of so many others."""


def run(context: Context) -> LayerResult:
    """Call every operation that has an id in its path with ids of nothing."""
    trials = _Trials(context)
    for operation in context.operations:
        for parameter in operation.path_parameters:
            with attempt(trials.sender.result, operation.id):
                trials.try_parameter(operation, parameter)
    return trials.sender.result


@dataclass(frozen=True)
class _Kind:
    """A kind of id, and whether every caller tries it."""

    id: BadId
    by_all: bool
    whose: str = ""
    """Who has made, or had, the thing that it names; empty where there is none."""


class _Trials:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.accounts = context.accounts
        self.sender = Sender(context, context.new_result(NAME))
        self.random = random.Random(context.plan.seed)  # noqa: S311 (chooses what is tried)
        self.examples: Examples = context.examples or prepare_examples(
            *(context.contract, self.accounts),
            owner="owner",
            members=team_with("guest"),
            caller=self.accounts["owner"],
        )
        self.of_others: dict[str, str] = {}
        if context.examples is None:
            parameters = context.contract.path_parameters
            self.of_others = {
                PARAMETER: add_workspace(self.accounts, TENANTS[0], {}),
                "user_id": self.accounts["outsider"].id,
            }
            if SANDBOX in parameters:
                theirs = add_sandboxes(self.accounts, TENANTS[0], self.of_others[PARAMETER])
                self.of_others[SANDBOX] = theirs[RUNNING]
            self.of_others |= add_minted(
                parameters, self.accounts, TENANTS[0], self.of_others[PARAMETER]
            )
            workspace_id = self.of_others[PARAMETER]
            if EXECUTOR in parameters:
                self.of_others[EXECUTOR] = add_executor(self.accounts, TENANTS[0], workspace_id)
            if CREDENTIAL in parameters:
                theirs = add_credentials(self.accounts, TENANTS[0], workspace_id)
                self.of_others[CREDENTIAL] = theirs[OTHER]
            if CHANNEL in parameters:
                channel_id = add_channel(self.accounts, TENANTS[0], workspace_id)
                self.of_others |= {} if channel_id is None else {CHANNEL: channel_id}
        self.removed = removed_ids(context.contract, self.accounts, self.examples)

    def try_parameter(self, operation: Operation, parameter: str) -> None:
        """Call an operation with every kind of id in the place of one parameter."""
        required = operation.required_role or "none"
        for kind in self._kinds(operation, parameter):
            for caller in self._callers(operation, kind):
                expected = self._expected_of(kind, caller, operation, parameter, required)
                self._try(operation, parameter, kind.id, caller, expected)
            if kind.by_all and (least := self._least_body(operation)) is not None:
                caller = self._allowed(operation)
                expected = self._expected_of(kind, caller, operation, parameter, required)
                self._try(operation, parameter, kind.id, caller, expected, least)

    def _least_body(self, operation: Operation) -> bytes | None:
        """The body with nothing but what is required; None where that is no other, or invalid."""
        if operation.body is None:
            return None
        whole = self.examples.body(operation)
        required = {each.name for each in operation.fields if each.required}
        least = {name: value for name, value in whole.items() if name in required}
        validator = self.context.contract.validator(operation.body)
        return json.dumps(least).encode() if least != whole and validator.is_valid(least) else None

    def _expected_of(
        self, kind: _Kind, caller: str, operation: Operation, parameter: str, required: str
    ) -> frozenset[int]:
        """What an id of a kind is answered: what is there may be for some alone who may call."""
        stricter = role_for_things_of_others(operation.id)
        if stricter is not None and kind.whose:
            refused = refusal(self.context.contract, operation, self.accounts, stricter, caller)
            if kind.whose == _OTHERS:  # no caller has a role in their workspace
                refused = refused or 403
            if refused is not None:
                return frozenset({refused})
        return self._expected(operation, parameter, caller, required)

    def _expected(
        self, operation: Operation, parameter: str, caller: str, required: str
    ) -> frozenset[int]:
        """What an id of nothing is answered; a token calls as a member of the workspace does."""
        refused = refusal(self.context.contract, operation, self.accounts, required, caller)
        if refused is not None and (caller in AGENTS or caller not in CALLERS):
            return frozenset({refused})
        return status_of_unknown(operation, parameter, refused, required)

    def _kinds(self, operation: Operation, parameter: str) -> Iterator[_Kind]:
        yield _Kind(BadId("an unknown id", f"{NO_SUCH}{parameter}"), by_all=True)
        # To an administrator, what belongs to others is there all the same.
        if parameter in self.of_others and operation.required_role != "admin":
            yield _Kind(BadId("an id of others", self.of_others[parameter]), True, _OTHERS)
        for name, gone in self.removed.get(parameter, {}).items():
            if operation.required_role != "admin" or name.endswith("deleted"):
                yield _Kind(BadId(name, gone), True, _OWNER)
        for bad in malformed(self.examples.parameters[parameter]):
            yield _Kind(bad, by_all=False)

    def _callers(self, operation: Operation, kind: _Kind) -> list[str]:
        known = callers_of(self.accounts)
        if kind.by_all:
            return known
        allowed = self._allowed(operation)
        others = [caller for caller in known if caller != allowed]
        return [allowed, *self.random.sample(others, len(others) // _SHARE)]

    def _allowed(self, operation: Operation) -> str:
        """A caller who may call the operation."""
        account = caller_of(self.context.contract, operation, self.accounts, "owner")
        return account.name if account is not None else ANONYMOUS

    def _try(
        self,
        operation: Operation,
        parameter: str,
        bad: BadId,
        caller: str,
        expected: frozenset[int],
        body: bytes | None = None,
    ) -> None:
        segments = {**self.examples.parameters}
        draft = Draft(operation, self.examples, {}).changed(
            with_segment(operation, segments, parameter, bad.segment)
        )
        draft = draft if body is None else draft.changed(with_body(body))
        request = signed(draft.request(), self._credential(operation, caller))
        try:
            exchange = self.sender.send(operation, request)
        except Blocked:
            return  # on a server of others, a write may have no id that could be of theirs
        status = exchange.response.status
        if status in expected or (status in OUTSIDE and status in operation.responses):
            return
        wanted = " or ".join(map(str, sorted(expected)))
        self.sender.found(
            operation,
            f"{bad.name} for {parameter} is answered {wanted} to {_called(caller)}",
            expected=wanted,
            actual=status,
            check=bad.name,
            exchange=exchange,
        )

    def _credential(self, operation: Operation, caller: str) -> dict[str, str]:
        if caller == ANONYMOUS:
            return {}
        if caller == INVALID_SESSION:
            return invalid_credential(self.context.contract, operation)
        return self.accounts[caller].credential


def _called(caller: str) -> str:
    if caller == ANONYMOUS:
        return "a caller without a credential"
    return "a caller with an unknown credential" if caller == INVALID_SESSION else f"the {caller}"
