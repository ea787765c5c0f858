"""Times that a server shows, and how long a session lasts.

What has just happened is dated within seconds of the `Date` of the answer; nothing is updated
before it is created; `updated_at` moves with a write, and neither with a read nor with a refused
one. Where the server's clock can be moved, a session lasts as long as its cookie says.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from agentserver_contract.context import Context
from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.data.tables import is_exception, tables
from agentserver_contract.fixtures.accounts import COLLEAGUE, unregistered
from agentserver_contract.fixtures.callers import credential_for
from agentserver_contract.fixtures.examples import prepare_examples
from agentserver_contract.fixtures.workspaces import PARAMETER, remove_workspace
from agentserver_contract.http.messages import Exchange, Request, Response, cookie
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.layers.lifetimes import (
    MARGIN,
    let_time_pass,
    promised_lifetime,
    session_of_age,
)
from agentserver_contract.layers.lists import makers
from agentserver_contract.layers.races import changed_body
from agentserver_contract.layers.sending import Sender, body_of, fields_of, rows_of
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.results.rows import time_of

NAME = "times"

CREATED, UPDATED = "created_at", "updated_at"
SECONDS_APART = 10
"""How far a time may be from `Date`, beside the duration of the request: clocks differ a little."""

_WRITES = ("POST", "PUT", "PATCH")
_OWNER, _OUTSIDER = "owner", "outsider"
_NO_CLOCK = "over HTTP no clock can be moved"


@dataclass(frozen=True)
class _Written:
    """A write that was answered with success, and what shows its time."""

    operation: Operation
    shown_by: Operation
    at: float
    """When it was answered, in seconds of a clock of this machine."""
    times: Mapping[str, datetime]
    """`updated_at` by its place in what shows it."""


def run(context: Context) -> LayerResult:
    """Look at the times of every write, and at the life of a session."""
    layer = _Times(context)
    written: list[_Written] = []
    for operation in context.contract.operations.values():
        if not context.tries(operation, *views(context.contract, operation)):
            continue
        with attempt(layer.result, operation.id):
            if operation.is_read:
                layer.read(operation)
            else:
                written += layer.write(operation)
    with attempt(layer.result, "what was written, later"):
        layer.look_again(written)
    for moment in tables().moments:
        known = context.contract.operations
        if not {moment.operation, moment.read} <= known.keys():
            continue
        done, read = known[moment.operation], known[moment.read]
        if context.tries(done, read):
            with attempt(layer.result, f"{done.id}, its {moment.field}"):
                layer.look_at_moment(done, read, moment.field)
    with attempt(layer.result, "the life of a session"):
        layer.live_as_long_as_promised()
    remove_workspace(context.accounts, _OWNER, layer.examples.parameters.get(PARAMETER))
    return layer.result


class _Times:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.accounts = context.accounts
        self.result = context.new_result(NAME)
        self.sender = Sender(context, self.result)
        self.examples = prepare_examples(
            context.contract,
            self.accounts,
            owner=_OWNER,
            members={COLLEAGUE: "guest"},
            caller=self.accounts[_OWNER],
        )
        self._prepared_at = time.monotonic()

    def read(self, operation: Operation) -> Exchange:
        """Read something: nothing in it was updated before it was created."""
        request = self._request(operation)
        exchange = self.sender.send(operation, request)
        for place, item in _objects(body_of(exchange)):
            created, updated = (time_of(item.get(name)) for name in (CREATED, UPDATED))
            if created is not None and updated is not None and updated < created:
                self.sender.found(
                    operation,
                    "nothing is updated before it is created",
                    expected=f"{UPDATED} at or after {CREATED}",
                    actual=f"{updated.isoformat()} before {created.isoformat()} at {place}",
                    check="order",
                    exchange=exchange,
                )
        return exchange

    def write(self, operation: Operation) -> Iterator[_Written]:
        """Write something, and look at the times of it; give what can be written again later."""
        shown_by = views(self.context.contract, operation)
        shows_itself = _shows_times(self.context.contract, operation)
        if operation.method == "DELETE" or not (shown_by or shows_itself):
            return
        if is_exception("creates-account", operation.id):
            new = unregistered(self.accounts, self.accounts.many[:1])
            if not (new and self.context.plan.many_rows):
                reason = "accounts cannot be removed again, so none are created"
                self.result.not_run[operation.id] = reason
                return
            body = {"email": new[0].email, "password": new[0].password}
            self.examples = self.examples.with_body(operation, body)
        began = time.monotonic()
        exchange = self._send(operation)
        if not exchange.response.succeeded:
            return
        allowed = timedelta(seconds=SECONDS_APART + time.monotonic() - began)
        names = {CREATED, UPDATED} if operation.method == "POST" else {UPDATED}
        answered = dict(_times(body_of(exchange), names))
        self._expect_now(operation, operation, exchange, exchange.response, answered, allowed)
        created = fields_of(exchange).get("id")
        for view in shown_by:
            shown = self.read(view)
            rows = [
                row for row in rows_of(shown) if created is not None and row.get("id") == created
            ]
            seen = body_of(shown) if not isinstance(body_of(shown), list) else rows
            times = dict(_times(seen, names))
            at_fault = operation if not answered else view
            self._expect_now(at_fault, view, shown, exchange.response, times, allowed)
            moving = {place: value for place, value in times.items() if place.endswith(UPDATED)}
            if moving and view.path == operation.path and not rows_of(shown):
                yield _Written(operation, view, time.monotonic(), moving)

    def look_again(self, written: Sequence[_Written]) -> None:
        """When the time is certainly another one: it has not moved, and moves with a write, whether
        that changes something or not."""
        self._let_time_pass_after(written)
        for each in written:
            self._expect_unmoved(each)
        changed: list[_Written] = []
        for each in written:
            if changes := changed_body(self.context.contract, each.operation):
                self.examples = self.examples.with_body(each.operation, changes)
                changed += self._write_again(each, "a change")
        self._let_time_pass_after(changed)
        for each in changed:
            self._write_again(each, "a write of the same values")

    def _let_time_pass_after(self, written: Sequence[_Written]) -> None:
        if written:
            let_time_pass(self.context, max(each.at for each in written))

    def _write_again(self, written: _Written, what: str) -> list[_Written]:
        """Write once more: `updated_at` moves. Gives what was written, unless that is wrong."""
        operation, view = written.operation, written.shown_by
        exchange = self._send(operation)
        answered_at = time.monotonic()
        if not exchange.response.succeeded:
            return []
        answered = dict(_times(body_of(exchange), {UPDATED}))
        shown = self.read(view)
        now = dict(_times(body_of(shown), {UPDATED}))
        for place, before in written.times.items():
            after = now.get(place)
            still = after == before and self._is_strict
            if after is None or after < before or still:
                moved = any(value > before for value in answered.values())
                self.sender.found(
                    view if moved else operation,
                    f"{UPDATED} moves with {what}",
                    expected=f"a time after {before.isoformat()} at {place}",
                    actual=f"{after and after.isoformat()}, shown by {view.id}",
                    check="moves",
                    exchange=shown,
                    steps=exchange.request.as_curl(self.context.target.base_url),
                )
                return []
        return [replace(written, at=answered_at, times={each: now[each] for each in written.times})]

    def look_at_moment(self, operation: Operation, read: Operation, name: str) -> None:
        """Do something: a field that says when it was last done has the time of that."""
        let_time_pass(self.context, self._prepared_at)
        ids = {
            each: self.examples.id_in_path(operation, each) for each in operation.path_parameters
        }
        about = replace(self.examples, parameters={**self.examples.parameters, **ids}, instead={})
        caller = credential_for(self.context.contract, read, self.accounts, _OWNER)
        reading = about.request(read, caller)
        before = time_of(fields_of(self.sender.send(read, reading)).get(name))
        began = time.monotonic()
        exchange = self._send(operation)
        if not exchange.response.succeeded:
            return  # other layers tell whether that is right
        shown = self.sender.send_until_settled(read, reading)
        allowed = timedelta(seconds=SECONDS_APART + time.monotonic() - began)
        after = time_of(fields_of(shown).get(name))
        still = after == before and self._is_strict
        if after is None or still or (before is not None and after < before):
            self.sender.found(
                operation,
                f"{name} is when it was last done",
                expected=f"a time after {before and before.isoformat()}",
                actual=f"{after and after.isoformat()}, shown by {read.id}",
                check="moves",
                exchange=shown,
                steps=exchange.request.as_curl(self.context.target.base_url),
            )
        else:
            times = {name: after}
            self._expect_now(operation, read, shown, exchange.response, times, allowed)

    def live_as_long_as_promised(self) -> None:
        """A session lasts to its end and not beyond, whether it is used or not."""
        operation = self.sender.operation("auth.check")
        if operation is None:
            return
        if self.context.shift_clock is None:
            self.result.not_run["the life of a session"] = _NO_CLOCK
            return
        account = self.accounts[_OWNER]
        lifetime = promised_lifetime(self.context, account)
        session = session_of_age(self.context, account, lifetime - MARGIN)
        self._expect_session(operation, session, 200, f"{MARGIN} before its end")
        self.context.shift_clock(2 * MARGIN)
        try:
            self._expect_session(operation, session, 401, f"{MARGIN} after its end, although used")
        finally:
            self.context.shift_clock(-2 * MARGIN)

    def _expect_session(self, operation: Operation, session: str, status: int, when: str) -> None:
        exchange = self.sender.send(operation, self.examples.request(operation, cookie(session)))
        if exchange.response.status != status:
            self.sender.found(
                operation,
                "a session lasts as long as its cookie says, and no longer",
                expected=f"{status} {when}",
                actual=exchange.response.status,
                check="session",
                exchange=exchange,
            )

    def _expect_now(
        self,
        at_fault: Operation,
        view: Operation,
        shown: Exchange,
        written: Response,
        times: Mapping[str, datetime],
        allowed: timedelta,
    ) -> None:
        """What has just been written is dated close to the `Date` of the answer to the write."""
        date = _date(written)
        if date is None:
            self.result.not_run["times beside Date"] = "the server sends no Date"
            return
        for place, value in times.items():
            if abs(value - date) > allowed:
                self.sender.found(
                    at_fault,
                    "what has just happened is dated within seconds of Date",
                    expected=f"{place} within seconds of {date.isoformat()}",
                    actual=f"{value.isoformat()}, shown by {view.id}",
                    check="date",
                    exchange=shown,
                )

    def _expect_unmoved(self, written: _Written) -> None:
        """Neither a read nor a refused write moves `updated_at`."""
        operation, view, before = written.operation, written.shown_by, written.times
        refused = self.examples.request(operation, self.accounts[_OUTSIDER].credential)
        broken = self._request(operation)
        steps: tuple[tuple[str, Operation, Request | None], ...] = (
            ("a read", view, None),
            ("a write that an outsider is refused", operation, refused),
            ("a write whose body is refused", operation, replace(broken, body=b'{"broken": ')),
        )
        for what, at_fault, request in steps:
            self._advance()
            if request is not None and self.sender.send(operation, request).response.succeeded:
                continue  # other layers tell that this is no refusal
            shown = self.read(view)
            after = dict(_times(body_of(shown), {UPDATED}))
            if after != before:
                self.sender.found(
                    at_fault,
                    f"{what} does not move {UPDATED}",
                    expected=_texts(before),
                    actual=f"{_texts(after)}, shown by {view.id}",
                    check="moves",
                    exchange=shown,
                    steps=request.as_curl(self.context.target.base_url) if request else "",
                )
                return

    @property
    def _is_strict(self) -> bool:
        """Whether a later write cannot have the same time as an earlier one."""
        return self.context.target.app is None or self.context.advance_clock is not None

    def _send(self, operation: Operation) -> Exchange:
        self._advance()
        return self.sender.send(operation, self._request(operation))

    def _request(self, operation: Operation) -> Request:
        contract = self.context.contract
        return self.examples.request(
            operation, credential_for(contract, operation, self.accounts, _OWNER)
        )

    def _advance(self) -> None:
        if self.context.advance_clock is not None:
            self.context.advance_clock()


def views(contract: Contract, operation: Operation) -> list[Operation]:
    """The reads that show when something was written: at the same path, or of its rows."""
    found = [
        each
        for each in contract.operations.values()
        if each.is_read and each.path == operation.path and operation.method in _WRITES
    ]
    for maker in makers(contract):
        if maker.operation.id == operation.id:
            found += [each for each in maker.lists if each not in found]
    return [each for each in found if _shows_times(contract, each)]


def _shows_times(contract: Contract, operation: Operation) -> bool:
    schema = operation.success.schema(JSON)
    return schema is not None and any(
        {CREATED, UPDATED} & piece.value.get("properties", {}).keys()
        for piece in contract.schema_walk(schema)
    )


def _objects(value: Any, place: str = "$") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object in a JSON value, with its place."""
    if isinstance(value, dict):
        yield place, value
        for name, item in value.items():
            yield from _objects(item, f"{place}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _objects(item, f"{place}[{index}]")


def _times(value: Any, names: set[str]) -> Iterator[tuple[str, datetime]]:
    """The times in a JSON value that have these names, with their places."""
    for place, item in _objects(value):
        for name in names & item.keys():
            if (moment := time_of(item[name])) is not None:
                yield f"{place}.{name}", moment


def _date(response: Response) -> datetime | None:
    """The time at which the server answered."""
    try:
        return parsedate_to_datetime(response.header("date") or "")
    except ValueError:
        return None


def _texts(times: Mapping[str, datetime]) -> str:
    return ", ".join(f"{place} {value.isoformat()}" for place, value in times.items())
