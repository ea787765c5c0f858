"""What is done once more: what is gone is removed again, and a request is sent again with its key.

Removing what is gone changes nothing: neither the time at which it went, nor what was made since
then under the same name. The same `Idempotency-Key` and body are answered with what was done for
them, another body is a conflict; a key that differs in anything, and one whose request was refused,
stands for nothing yet.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import Operation
from agentserver_contract.contract.schemas import is_open
from agentserver_contract.fixtures.accounts import COLLEAGUE
from agentserver_contract.fixtures.callers import NoCaller, credential_for
from agentserver_contract.fixtures.examples import Examples, prepare_examples
from agentserver_contract.fixtures.removed import Lifecycle, created_id, lifecycles
from agentserver_contract.fixtures.snapshot import OUTSIDE, differences, snapshot
from agentserver_contract.fixtures.workspaces import PARAMETER, add_workspace, remove_workspace
from agentserver_contract.http.guard import NO_SUCH, Blocked
from agentserver_contract.http.messages import Exchange, Request
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.layers.lifetimes import let_time_pass
from agentserver_contract.layers.races import changed_body
from agentserver_contract.layers.sending import Sender, body_of, fields_of
from agentserver_contract.results.findings import LayerResult

NAME = "repeats"

_KEY = "idempotency-key"
_LONGEST_KEY = 255
_OWNER, _OUTSIDER = "owner", "outsider"
_NAMES = ("name", "display_name")
_CONFLICT = 409


def run(context: Context) -> LayerResult:
    """Remove what can be removed twice, and repeat what takes a key."""
    layer = _Repeats(context)
    layer.remove_twice()
    for operation in context.operations:
        if any(each.name.lower() == _KEY for each in operation.parameters_in("header")):
            with attempt(layer.result, f"{operation.id}, its keys"):
                layer.try_keys(operation)
    for workspace_id in layer.workspaces:
        remove_workspace(context.accounts, _OWNER, workspace_id)
    return layer.result


@dataclass(frozen=True)
class _Removal:
    """Something that was removed, by a request that can be sent again."""

    operation: Operation
    request: Request


class _Repeats:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.contract = context.contract
        self.accounts = context.accounts
        self.result = context.new_result(NAME)
        self.sender = Sender(context, self.result)
        self.examples = prepare_examples(
            *(self.contract, self.accounts),
            owner=_OWNER,
            members={COLLEAGUE: "guest"},
            caller=self.accounts[_OWNER],
        )
        self.workspaces = [self.examples.parameters[PARAMETER]]
        self._cycles = {each.delete.id: each for each in lifecycles(self.contract)}

    # --- removing -----------------------------------------------------------------------------

    def remove_twice(self) -> None:
        """Remove everything, and again when the time is another one: then nothing changes."""
        removals: list[_Removal] = []
        for operation in self.contract.operations.values():
            cycle = self._cycles.get(operation.id)
            others = (cycle.create,) if cycle else ()
            if operation.method == "DELETE" and self.context.tries(operation, *others):
                with attempt(self.result, operation.id):
                    removals += self._remove(operation, cycle)
        if not self._is_unchanged_by(removals):
            # By each alone, with things of its own: what has changed cannot change once more.
            for removal in removals:
                operation = removal.operation
                with attempt(self.result, operation.id):
                    again = list(self._remove(operation, self._cycles.get(operation.id)))
                    self._is_unchanged_by(again, is_told=True)

    def _is_unchanged_by(self, removals: list[_Removal], *, is_told: bool = False) -> bool:
        let_time_pass(self.context)
        before = self._seen()
        sent = [self.sender.send(each.operation, each.request) for each in removals]
        changed = list(differences(before, self._seen()))
        if changed and is_told:
            self.sender.found(
                removals[-1].operation,
                "removing what is gone changes nothing",
                expected="no difference",
                actual="\n".join(changed),
                check="removed again",
                exchange=sent[-1],
            )
        return not changed

    def _remove(self, operation: Operation, cycle: Lifecycle | None) -> Iterator[_Removal]:
        """Make something where that is possible, and remove it; and make another of its name."""
        examples = self.examples
        made = None if cycle is None else self._make(cycle)
        if cycle is not None and made is not None:
            parameters = {**examples.parameters, cycle.parameter: made}
            examples = replace(examples, parameters=parameters, instead={})
        elif operation.path_parameters == (PARAMETER,) and cycle is not None:
            return  # the workspace in which everything else is
        request = examples.request(operation, self._credential(operation))
        exchange = self.sender.send(operation, request)
        if not exchange.response.succeeded:
            return  # other layers tell whether that is right
        if cycle is not None and made is not None and self._make(cycle) == made:
            self.sender.send(operation, request)  # it has come back, and is no other of its name
        yield _Removal(operation, request)

    def _make(self, cycle: Lifecycle) -> str | None:
        """Make something of the name that all of its kind have; None where it cannot be made."""
        create = cycle.create
        named = {each.name: "Made twice" for each in create.fields if each.name in _NAMES}
        about = self.examples.with_body(create, named)
        try:
            exchange = self.sender.send(create, about.request(create, self._credential(create)))
        except Blocked:
            return None
        made = created_id(cycle.parameter, exchange.response)
        if made is not None and cycle.parameter == PARAMETER:
            self.workspaces.append(made)
        return made

    def _seen(self) -> dict[tuple[str, ...], Any]:
        """What can be read, also of what lists leave out unless they are asked for it."""
        seen = snapshot(self.accounts, self.examples)
        for operation in self.contract.operations.values():
            for parameter in operation.parameters_in("query") if operation.is_read else ():
                schema = parameter.schema and self.contract.follow(parameter.schema)
                if not schema or schema.value.get("type") != "boolean":
                    continue
                try:
                    request = self.examples.request(operation, self._credential(operation))
                except NoCaller:
                    continue
                request = request.with_query(f"{parameter.name}=true")
                response = self.sender.send(operation, request).response
                seen[operation.id, parameter.name] = response.status, response.body
        return seen

    # --- keys ---------------------------------------------------------------------------------

    def try_keys(self, operation: Operation) -> None:
        """Send an operation again with its key, and with others."""
        key = f"Key-{secrets.token_hex(8)}"
        first = self._send(operation, key)
        status = first.response.status
        if not first.response.succeeded:
            self.result.not_run[f"{operation.id}, its keys"] = f"the example is answered {status}"
            return
        again = self._send(operation, key)
        if (again.response.status, body_of(again)) != (status, body_of(first)):
            self._found(operation, "the same key and body are answered alike", first, again)
        for name, body in self._other_bodies(operation, first):
            other = self._send(operation, key, body)
            if other.response.status != _CONFLICT:
                promise = f"a key that was used with another {name} is a conflict"
                self._found(operation, promise, _CONFLICT, other)
        self._try_other_keys(operation, key, first)
        for what, examples, credential in self._refused(operation):
            key = f"Key-{secrets.token_hex(8)}"
            refused = self.sender.send(
                operation, _with_key(examples.request(operation, credential), key)
            )
            if not refused.response.succeeded:
                promise = f"a key is free that was sent with {what}"
                self._expect_new(operation, promise, self._send(operation, key), first)

    def _try_other_keys(self, operation: Operation, key: str, first: Exchange) -> None:
        """A key that is much like another stands for something else all the same."""
        unlike = self._send(operation, f"Other-{secrets.token_hex(8)}")
        if not unlike.response.succeeded or body_of(unlike) == body_of(first):
            self.result.not_run[f"{operation.id}, its other keys"] = "all answers are alike"
            return
        long = key.ljust(_LONGEST_KEY - 1, "k")
        self._send(operation, f"{long}1")
        for what, other in (
            ("in another case", key.swapcase()),
            ("that is longer", f"{key}2"),
            ("that is shorter", key[:-1]),
        ):
            promise = f"a key {what} is another key"
            self._expect_new(operation, promise, self._send(operation, other), first)
        longest = self._send(operation, f"{long}1")
        promise = "a key that differs in its last character is another key"
        self._expect_new(operation, promise, self._send(operation, f"{long}2"), longest)
        field = operation.workspace_field
        if field is not None:
            self.workspaces.append(add_workspace(self.accounts, _OWNER, {}))
            elsewhere = self._send(operation, key, {field: self.workspaces[-1]})
            promise = "another workspace has keys of its own"
            self._expect_new(operation, promise, elsewhere, first)

    def _expect_new(
        self, operation: Operation, promise: str, exchange: Exchange, first: Exchange
    ) -> None:
        """What is answered was done for this request, and not for the first."""
        response = exchange.response
        if response.status in OUTSIDE and response.status in operation.responses:
            return
        if not response.succeeded or body_of(exchange) == body_of(first):
            self._found(operation, promise, "something new that is done", exchange)

    def _other_bodies(
        self, operation: Operation, first: Exchange
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Fields of bodies that differ from the example in one of them, by its name."""
        example, answered = self.examples.body(operation), fields_of(first)
        changed = changed_body(self.contract, operation)
        for each in operation.fields:
            schema = each.schema and self.contract.follow(each.schema).value
            if each.name == operation.workspace_field or not schema:
                continue
            value = example.get(each.name)
            if each.name in changed:
                yield each.name, {each.name: changed[each.name]}
            elif isinstance(value, dict) and is_open(schema):
                yield each.name, {each.name: {**value, "contract": 1}}
            elif each.name not in example and each.name in answered:
                yield each.name, {each.name: answered[each.name]}

    def _refused(self, operation: Operation) -> Iterator[tuple[str, Examples, dict[str, str]]]:
        """Requests that are refused: the examples that make them, and a credential."""
        credential = self._credential(operation)
        yield "a stranger's request", self.examples, self.accounts[_OUTSIDER].credential
        example = self.examples.body(operation)
        for each in operation.fields:
            if each.required and each.name != operation.workspace_field:
                lacking = replace(self.examples, left_out=frozenset({each.name}))
                yield f"a body without {each.name}", lacking, credential
            elif each.name.lower().endswith("id") and each.name not in example:
                unknown = self.examples.with_body(operation, {each.name: f"{NO_SUCH}thing"})
                yield f"an unknown {each.name}", unknown, credential

    def _send(
        self, operation: Operation, key: str, fields: Mapping[str, Any] | None = None
    ) -> Exchange:
        request = self.examples.request(operation, self._credential(operation))
        body = {**self.examples.body(operation), **(fields or {})}
        request = replace(request, body=json.dumps(body).encode())
        return self.sender.send(operation, _with_key(request, key))

    def _found(
        self, operation: Operation, promise: str, expected: object, exchange: Exchange
    ) -> None:
        if isinstance(expected, Exchange):
            expected = expected.response.as_text()
        self.sender.found(
            *(operation, promise),
            expected=expected,
            actual=exchange.response.as_text(),
            check="keys",
            exchange=exchange,
        )

    def _credential(self, operation: Operation) -> dict[str, str]:
        return credential_for(self.contract, operation, self.accounts, _OWNER)


def _with_key(request: Request, key: str) -> Request:
    return replace(request, headers={**request.headers, _KEY: key})
