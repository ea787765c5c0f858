"""What operations take: every field of every body at its bounds, beyond them, and of other types.

What the contract refuses is answered 400, or 422 where it says so, and changes nothing. What it
allows is taken, and is read back as it was sent: in the answer, by every member who may read it,
and by the administrator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from agentserver_contract.context import EXAMPLES, Context
from agentserver_contract.contract.document import JSON, Located, Operation
from agentserver_contract.contract.roles import WORKSPACE_ROLES, may_call
from agentserver_contract.contract.schemas import Problem, refusal_of_body, request_problems
from agentserver_contract.data.tables import depends_on_state, is_exception, tables
from agentserver_contract.fixtures.accounts import Account
from agentserver_contract.fixtures.agreement import disagreements
from agentserver_contract.fixtures.callers import caller_of, credential_for
from agentserver_contract.fixtures.examples import (
    Examples,
    filled_in,
    prepare_examples,
    with_new_task,
)
from agentserver_contract.fixtures.readings import (
    answer_differences,
    is_equal,
    is_same,
    reading_of,
    shown_values,
)
from agentserver_contract.fixtures.removed import Lifecycle, created_id, lifecycles
from agentserver_contract.fixtures.snapshot import OUTSIDE, differences, snapshot
from agentserver_contract.fixtures.workspaces import PARAMETER, team_with
from agentserver_contract.http.guard import Blocked
from agentserver_contract.http.messages import HIDDEN, Exchange, Request, Response
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.layers.sending import Sender, body_of
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.variants.values import EXAMPLE, Variant, unchanged, variants

NAME = "values"
_REFUSED = (400, 413, 415, 422)
_HIDDEN = "password"
"""The format of fields that no response shows as they were sent."""
_IDENTIFYING = ("email", "password")
"""Fields that a state answers for: whether there is such an account, or there is one already."""


def run(context: Context) -> LayerResult:
    """Send every operation that reads a body all its values."""
    trials = _Trials(context)
    for operation in context.operations:
        if operation.body is not None:
            with attempt(trials.sender.result, operation.id):
                trials.try_operation(operation)
    return trials.sender.result


class _Trials:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.accounts = context.accounts
        self.sender = Sender(context, context.new_result(NAME))
        self.examples: Examples = prepare_examples(
            *(context.contract, self.accounts),
            owner="owner",
            members=team_with("guest"),
            caller=self.accounts["owner"],
        )
        plan = context.plan
        self.seed = plan.seed if plan.examples >= EXAMPLES else None
        if self.seed is None:
            self.sender.result.notes["left out with few examples: rarer characters"] += 1
        self.known: set[str] = set()
        """Disagreements that were there before."""
        self.last_seen: set[str] | None = None
        """Those that were read last, where nothing was written since."""
        self.lifecycles = {each.create.id: each for each in lifecycles(context.contract)}

    def try_operation(self, operation: Operation) -> None:
        """Send one operation a body for each value of each field."""
        if operation.body is None:
            return
        example = self._example(operation)
        before = self._settings(operation)
        try:
            self._try_all(operation, operation.body, example, before)
        finally:
            self._restore(operation, before)

    def _try_all(
        self, operation: Operation, schema: Located, example: Any, before: Mapping[str, Any]
    ) -> None:
        seen, self.last_seen = self.last_seen, None
        self.known = disagreements(self.accounts, self.examples) if seen is None else seen
        all_variants = [
            variant
            for variant in variants(self.context.contract, schema, example, self.seed)
            if self._may_be_sent(operation, variant, before)
        ]
        wrong: list[Variant] = []
        right = list(unchanged(self.context.contract, schema, example))
        for variant in all_variants:
            (wrong if self._problems(operation, variant) else right).append(variant)
        for variant in right:
            self._try_right(operation, variant)
        self._try_wrong(operation, right[0], wrong)
        self.last_seen = self._check_agreement(operation)

    def _check_agreement(self, operation: Operation) -> set[str]:
        """Check that what a write has changed is shown alike wherever it is shown.

        Returns:
            All disagreements.
        """
        now = disagreements(self.accounts, self.examples)
        for line in now - self.known:
            self.sender.found(
                operation,
                "what has changed is shown alike wherever it is shown",
                expected="one value",
                actual=line,
                check="agreement",
            )
        self.known |= now
        return now

    def _example(self, operation: Operation) -> dict[str, Any]:
        body = self.examples.body(operation)
        if is_exception("creates-account", operation.id):
            # What is tried is the body: no account is created that could not be removed again.
            body["email"] = self.accounts["owner"].email
        return body

    def _problems(self, operation: Operation, variant: Variant) -> list[Problem]:
        return request_problems(self.context.contract, operation, variant.body, JSON)

    # --- what is refused ----------------------------------------------------------------------

    def _try_wrong(self, operation: Operation, example: Variant, wrong: list[Variant]) -> None:
        before = snapshot(self.accounts, self.examples)
        for variant in wrong:
            exchange = self._send(operation, variant)
            expected = refusal_of_body(operation, self._problems(operation, variant))
            if exchange is not None and exchange.response.status != expected:
                self._found(
                    operation, variant, exchange, "is refused", expected, exchange.response.status
                )
                self._undo(operation, exchange)
                before = snapshot(self.accounts, self.examples)
        after = snapshot(self.accounts, self.examples)
        if after != before:
            self._find_change(operation, example, wrong)

    def _find_change(self, operation: Operation, example: Variant, wrong: list[Variant]) -> None:
        """Find the refused request that changed something."""
        self._send(operation, example)
        before = snapshot(self.accounts, self.examples)
        for variant in wrong:
            exchange = self._send(operation, variant)
            after = snapshot(self.accounts, self.examples)
            if exchange is not None and after != before:
                changed = "\n".join(differences(before, after))
                self._found(operation, variant, exchange, "changes nothing", "no change", changed)
                return

    # --- what is taken ------------------------------------------------------------------------

    def _try_right(self, operation: Operation, variant: Variant) -> None:
        exchange = self._send(operation, variant)
        if exchange is None:
            return
        response = exchange.response
        if response.succeeded:
            self._compare(operation, variant, exchange)
            if variant.name == EXAMPLE:
                self._check_agreement(operation)
            self._undo(operation, exchange)
            if is_exception("finishes-task", operation.id):
                self.examples = with_new_task(self.examples, self.accounts, operation)
        elif variant.may_be_refused and response.status in _REFUSED:
            return
        elif not self._may_fail(operation, variant, response.status):
            self._found(operation, variant, exchange, "is taken", "2xx", response.status)

    def _may_fail(self, operation: Operation, variant: Variant, status: int) -> bool:
        """Whether the state of the server may be the reason for a failure."""
        field = variant.place.field
        if status == 400 and depends_on_state(operation.id, {field: None}):
            return True
        if status in _REFUSED or status not in operation.responses:
            return False
        if is_exception("creates-account", operation.id) or status in OUTSIDE:
            return True
        names_thing = field.endswith("_id") or is_exception(
            "field-names-thing", operation.id, field
        )
        return field in _IDENTIFYING or names_thing

    def _compare(self, operation: Operation, variant: Variant, exchange: Exchange) -> None:
        """Compare what was sent with the answer, and with what is read afterwards."""
        sent = self._comparable(operation, variant)
        cycle = self.lifecycles.get(operation.id)
        ids = self._ids(operation, cycle, exchange)
        self._compare_with(operation, variant, ids, sent, exchange, "the answer")
        read = reading_of(self.context.contract, operation, cycle.parameter if cycle else None)
        for each in tables().readings:
            if each.operation == operation.id and each.read in self.context.contract.operations:
                read = self.context.contract.operations[each.read]
                ids = {**ids, **filled_in(each.about, self.accounts)}
        if read is None or not set(read.path_parameters) <= ids.keys():
            return
        about = replace(self.examples, parameters={**self.examples.parameters, **ids})
        only_own = variant.name != EXAMPLE or (cycle and cycle.parameter == PARAMETER)
        readers = list(self._readers(read))
        first: Exchange | None = None
        seen_first: Any = None
        for reader in readers[:1] if only_own else readers:
            name = reader.name if reader is not None else "public"
            request = about.request(read, reader.credential if reader is not None else {})
            reading = self.sender.send_until_settled(read, request)
            status = reading.response.status
            if not reading.response.succeeded and status not in OUTSIDE:
                check = f"can then be read by the {name}"
                self._found(operation, variant, reading, check, "2xx", status)
            elif first is None:
                first = reading
                self._compare_with(operation, variant, ids, sent, reading, f"the {name}")
                for line in answer_differences(
                    *(self.context.contract, operation, body_of(exchange)),
                    *(read, body_of(reading), ids),
                ):
                    self._found(
                        operation, variant, reading, "is answered as it is read", "one value", line
                    )
                seen_first = _without_session(reading)
            elif (seen := _without_session(reading)) != seen_first:
                self.sender.found(
                    read,
                    f"what {operation.id} has changed is read by the {name} as by others",
                    expected=seen_first,
                    actual=seen,
                    check="is read alike",
                    exchange=reading,
                    tried=operation,
                )

    def _compare_with(
        self,
        operation: Operation,
        variant: Variant,
        ids: Mapping[str, str],
        sent: Mapping[str, Any],
        reading: Exchange,
        reader: str,
    ) -> None:
        is_as_sent = is_equal if variant.may_be_refused else is_same
        body = body_of(reading)
        for name, value in sent.items():
            shown = shown_values(body, ids, name)
            if shown and not any(is_as_sent(value, each) for each in shown):
                self._found(
                    operation, variant, reading,
                    f"is shown by {reader} as it was sent", repr(value)[:300], repr(shown)[:300],
                )  # fmt: skip

    def _comparable(self, operation: Operation, variant: Variant) -> dict[str, Any]:
        """The fields of a body that are shown as they were sent, and what counts where one is left
        out."""
        formats = {
            field.name: self.context.contract.follow(field.piece).value.get("format")
            for field in operation.fields
        }
        left_out = {
            field.name: field.value_if_omitted
            for field in operation.fields
            if field.value_if_omitted is not None
        }
        return {
            name: value
            for name, value in {**left_out, **json.loads(variant.body)}.items()
            if formats.get(name, _HIDDEN) != _HIDDEN
            and value is not None
            and name not in _IDENTIFYING
            and not is_exception("keeps-field-at-times", operation.id, name)
        }

    def _ids(
        self, operation: Operation, cycle: Lifecycle | None, exchange: Exchange
    ) -> dict[str, str]:
        ids = {
            name: self.examples.id_in_path(operation, name) for name in operation.path_parameters
        }
        made = created_id(cycle.parameter, exchange.response) if cycle else None
        return {**ids, cycle.parameter: made} if cycle and made else ids

    def _readers(self, read: Operation) -> Iterator[Account | None]:
        """Who reads what was written: every member who may, or another caller who may."""
        first = caller_of(self.context.contract, read, self.accounts, "owner")
        yield first
        role = read.required_role or "none"
        if role in WORKSPACE_ROLES and first == self.accounts["owner"]:
            others = may_call(role) - {"owner"}
            yield from (self.accounts[each] for each in WORKSPACE_ROLES if each in others)

    # --- sending ------------------------------------------------------------------------------

    def _credential(self, operation: Operation) -> dict[str, str]:
        return credential_for(self.context.contract, operation, self.accounts, "owner")

    def _send(self, operation: Operation, variant: Variant) -> Exchange | None:
        """Send a body; None where the guard does not let it out."""
        request: Request = self.examples.request(operation, self._credential(operation))
        headers = {**request.headers, **variant.headers}
        sent = {name: value for name, value in headers.items() if value}
        request = replace(request, body=variant.body, headers=sent)
        try:
            return self.sender.send(operation, request)
        except Blocked as reason:
            if variant.name == EXAMPLE:
                self.sender.result.not_run[f"{operation.id}, its values"] = str(reason)
            return None

    def _undo(self, operation: Operation, exchange: Exchange) -> None:
        """Delete what a request has created."""
        cycle = self.lifecycles.get(operation.id)
        made = created_id(cycle.parameter, exchange.response) if cycle else None
        if cycle is None or made is None:
            return
        parameters = {**self.examples.parameters, cycle.parameter: made}
        about = replace(self.examples, parameters=parameters)
        self.accounts.target.send(about.request(cycle.delete, self._credential(cycle.delete)))

    # --- settings of the whole installation ---------------------------------------------------

    def _settings(self, operation: Operation) -> Mapping[str, Any]:
        """What is set for the whole installation, where an operation changes that."""
        if operation.required_role != "admin" or operation.path_parameters:
            return {}
        read = reading_of(self.context.contract, operation, None)
        if read is None:
            return {}
        request = self.examples.request(read, self._credential(read))
        shown = body_of(self.sender.send(read, request))
        names = {field.name for field in operation.fields}
        return {name: shown[name] for name in names & shown.keys()} if shown else {}

    def _may_be_sent(
        self, operation: Operation, variant: Variant, settings: Mapping[str, Any]
    ) -> bool:
        """Whether a body lowers no limit of others, whatever a server makes of it."""
        if not settings or not self.context.plan.guarded:
            return True
        body = json.loads(variant.body)
        if not isinstance(body, dict):
            return False
        return all(
            isinstance(value, int) and not isinstance(value, bool) and value > settings[name] > 0
            for name, value in body.items()
            if name in settings
        )

    def _restore(self, operation: Operation, settings: Mapping[str, Any]) -> None:
        if settings or operation.required_role == "admin":
            self.last_seen = None
        if settings:
            request = self.examples.request(operation, self._credential(operation))
            body = json.dumps(dict(settings)).encode()
            try:
                self.accounts.target.send(replace(request, body=body))
            except Blocked:
                return
        if operation.required_role == "admin":
            self.context.reset()

    def _found(
        self,
        operation: Operation,
        variant: Variant,
        exchange: Exchange,
        what: str,
        expected: object,
        actual: object,
    ) -> None:
        self.sender.found(
            operation,
            f"a body in which {variant.name} {what}",
            expected=expected,
            actual=actual,
            check=what,
            exchange=exchange,
        )


def _without_session(exchange: Exchange) -> Any:
    """A body without the session that the request had: who shows that breaks another promise."""
    text, session = exchange.response.text, exchange.request.session
    shown = Response(
        exchange.response.status,
        exchange.response.headers,
        (text.replace(session, HIDDEN) if session else text).encode(),
    )
    return body_of(Exchange(exchange.request, shown))
