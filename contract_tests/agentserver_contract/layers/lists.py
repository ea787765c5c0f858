"""Every list shows each of its rows once, in the promised order, however many there are.

A list is an operation that answers with an array of things. Its rows are made by the operation
that is sent to the same path, or by the one that the tables name. The list is read when it has more
than 10, more than 50 and more than 100 rows, as a server may stop at a page or a batch. A list that
has pages is read in pages too.
"""

from __future__ import annotations

import secrets
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from agentserver_contract.context import LEFT_OUT, Context
from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.data.tables import is_exception, tables
from agentserver_contract.fixtures.accounts import MANY, Login, shuffled
from agentserver_contract.fixtures.callers import credential_for
from agentserver_contract.fixtures.examples import Examples, prepare_examples
from agentserver_contract.fixtures.readings import answer_differences
from agentserver_contract.fixtures.snapshot import OUTSIDE
from agentserver_contract.fixtures.workspaces import PARAMETER, remove_workspace, team_with
from agentserver_contract.http.messages import Exchange, Request
from agentserver_contract.layers.attempts import attempt
from agentserver_contract.layers.sending import Sender, body_of, fields_of, rows_of
from agentserver_contract.results.findings import LayerResult
from agentserver_contract.results.rows import order_of, rows_in, time_of, total_in

NAME = "lists"

SIZES = (11, 51, MANY)
"""How many rows are made before a list is read; in a quick run only the first of these."""

_IDEMPOTENCY_KEY = "idempotency-key"
_PAGE = {"limit", "offset"}
_IN_THE_ORDER = "in the order in which"


@dataclass(frozen=True)
class Maker:
    """An operation that makes rows, and the lists that show them."""

    operation: Operation
    lists: tuple[Operation, ...]
    body: Mapping[str, str] = field(default_factory=dict)
    """Fields in which each request differs, as in `{row.email}`."""
    shown: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By a list: how its rows show what was answered, where they do not have its id."""

    def rows_of(self, operation: Operation, known: Sequence[KnownRow]) -> list[KnownRow]:
        """The rows as one of the lists shows them."""
        fields = self.shown.get(operation.id)
        if fields is None:
            return list(known)
        return [
            replace(row, shown={name: text.format(**row.answer) for name, text in fields.items()})
            for row in known
            if row.answer
        ]


@dataclass(frozen=True)
class NewRow:
    """What the fields of a new row may be made of."""

    email: str
    password: str = field(repr=False)
    name: str


@dataclass(frozen=True)
class KnownRow:
    """A row that exists."""

    shown: Mapping[str, Any]
    """Fields that a list shows of it, enough to know it again."""
    is_new: bool
    """Whether it was made just now, after those before it."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    """What was answered when it was made."""


def run(context: Context) -> LayerResult:
    """Make rows, and read the lists that show them."""
    layer = _Lists(context)
    for maker in makers(context.contract):
        chosen = [each for each in maker.lists if _tries(context, maker, each)]
        if chosen:
            with attempt(layer.result, ", ".join(each.id for each in chosen)):
                layer.try_lists(maker, chosen)
    for operation in without_maker(context.contract):
        if operation in context.operations:
            layer.result.not_run[operation.id] = "no operation of the contract makes its rows"
            with attempt(layer.result, operation.id):
                layer.read(operation, [])
    for operation in context.operations:
        if has_pages(operation):
            with attempt(layer.result, f"{operation.id} in pages"):
                layer.read_in_pages(operation)
    remove_workspace(context.accounts, "owner", layer.examples.parameters.get(PARAMETER))
    return layer.result


def _tries(context: Context, maker: Maker, shown: Operation) -> bool:
    """Whether this shard tries a list.

    One shard makes rows once for all lists that show them. What takes accounts is of one shard as
    well, as the addresses are the same for all.
    """
    decides = maker.operation
    if "email" in maker.body:
        for each in context.contract.operations.values():
            decides = each if is_exception("creates-account", each.id) else decides
    named = any(map(context.plan.includes, (shown, maker.operation)))
    return named and context.is_of_shard(decides)


def lists(contract: Contract) -> list[Operation]:
    """The operations that answer with an array of things that have ids."""
    return [operation for operation in contract.operations.values() if _key(contract, operation)]


def makers(contract: Contract) -> list[Maker]:
    """The operations that make rows; accounts come first, as other rows are about them."""
    found: dict[str, Maker] = {}
    by_list = {each.list: each for each in tables().rows}
    for shown in lists(contract):
        entry = by_list.get(shown.id)
        made_by = contract.operations.get(entry.made_by) if entry else _posted(contract, shown)
        if made_by is None:
            continue
        names = {each.name for each in made_by.fields}
        body = dict(entry.body) if entry else {}
        if "name" in names:
            body.setdefault("name", "{row.name}")
        known = found.get(made_by.id)
        shown_by = (*(known.lists if known else ()), shown)
        shown_as = dict(known.shown) if known else {}
        if entry and entry.shown:
            shown_as[shown.id] = entry.shown
        found[made_by.id] = Maker(
            made_by, shown_by, {**(known.body if known else {}), **body}, shown_as
        )
    return sorted(
        found.values(), key=lambda each: not is_exception("creates-account", each.operation.id)
    )


def without_maker(contract: Contract) -> list[Operation]:
    """The lists whose rows no operation makes."""
    made = {each.id for maker in makers(contract) for each in maker.lists}
    return [each for each in lists(contract) if each.id not in made]


def has_pages(operation: Operation) -> bool:
    """Whether an operation takes how many rows are wanted, and how many are left out before."""
    return operation.is_read and {each.name for each in operation.parameters_in("query")} >= _PAGE


class _Lists:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.accounts = context.accounts
        self.result = context.new_result(NAME)
        self.sender = Sender(context, self.result)
        self.examples = prepare_examples(
            context.contract,
            self.accounts,
            owner="owner",
            members=team_with("guest"),
            caller=self.accounts["owner"],
        )

    @cached_property
    def _registered(self) -> set[str]:
        """The addresses that have an account."""
        with self.context.target.client(session=self.accounts["admin"].session) as client:
            return {user.email for user in client.admin.users.list()}

    def try_lists(self, maker: Maker, chosen: Sequence[Operation]) -> None:
        """Make rows, and read the lists as they grow."""
        if not self.context.plan.many_rows:
            reason = "accounts cannot be removed again: only --many-rows makes lists long"
            for each in chosen:
                self.result.not_run[f"{each.id} with many rows"] = reason
                self.read(each, [])
            return
        sizes: Sequence[int] = SIZES
        if self.context.plan.is_quick:
            sizes = SIZES[:1]
            for each in chosen:
                self.result.not_run[f"{each.id} with more than {sizes[-1]} rows"] = LEFT_OUT
        known: list[KnownRow] = []
        for size in sizes:
            while len(known) < size:
                row = self._make(maker, len(known))
                if row is None:
                    return
                known.append(row)
            for each in chosen:
                self.read(each, maker.rows_of(each, known), maker)
        self._remove(maker, known)

    def read(
        self, operation: Operation, known: Sequence[KnownRow], maker: Maker | None = None
    ) -> None:
        """Read a list, and compare it with the rows that are known to exist."""
        exchange = self.sender.send(
            operation, self.examples.request(operation, self._credential(operation))
        )
        status = exchange.response.status
        if status in OUTSIDE and status in operation.responses:
            self.result.not_run[operation.id] = f"an outside service answers {status}"
            return
        if not exchange.response.succeeded:
            self._found(operation, "a list can be read", "2xx", status, exchange)
            return
        rows = rows_of(exchange)
        for wrong in (
            *self._repeated(operation, rows),
            *self._missing(rows, known[-self._most(operation) :]),
            *_disordered(operation, rows, known),
        ):
            self._found(operation, *wrong, exchange)
        if maker is not None:
            self._compare_answers(maker.operation, operation, exchange, known)

    def read_in_pages(self, operation: Operation) -> None:
        """Read a list, and pages of one row: of its first, its second, its last, and beyond, just
        there and further."""
        request = self.examples.request(operation, self._credential(operation))
        whole, exchange = self._read_rows(operation, request)
        total = total_in(operation, body_of(exchange))
        if len(whole) < 2:
            self.result.not_run[f"{operation.id} in pages"] = "there are fewer than two rows"
        beyond = [len(whole), len(whole) + 7] if len(whole) < self._most(operation) else []
        inside = sorted({0, 1, len(whole) - 1} & set(range(len(whole))))
        for offset in (*inside, *beyond):
            page = request.with_query(f"limit=1&offset={offset}")
            rows, exchange = self._read_rows(operation, page)
            of_page = total_in(operation, body_of(exchange))
            for promise, expected, actual in (
                (
                    "a page has the rows that follow those left out",
                    whole[offset : offset + 1],
                    rows,
                ),
                ("whatever the page, all rows are counted", total, of_page),
            ):
                if expected != actual:
                    self._found(operation, promise, str(expected), str(actual), exchange)
                    return

    def _read_rows(
        self, operation: Operation, request: Request
    ) -> tuple[list[Mapping[str, Any]], Exchange]:
        exchange = self.sender.send(operation, request)
        return rows_in(operation, body_of(exchange))[1], exchange

    def _most(self, operation: Operation) -> int:
        """How many rows a list has at most, unless more are asked for: the newest of those that
        there are."""
        schema = operation.success.schema(JSON)
        bounds = [schema and self.context.contract.follow(schema).value.get("maxItems")]
        bounds += [
            each.value_if_omitted
            for each in operation.parameters_in("query")
            if each.name == "limit"
        ]
        return min((int(each) for each in bounds if each), default=sys.maxsize)

    def _repeated(
        self, operation: Operation, rows: Sequence[Mapping[str, Any]]
    ) -> Iterator[tuple[str, str, str]]:
        key = _key(self.context.contract, operation)
        often = [each for each, count in Counter(row.get(key) for row in rows).items() if count > 1]
        if key and often:
            promise = "a list shows each row once"
            yield promise, f"each {key} once", f"{len(often)} of {len(rows)} again: {often[:3]}"

    def _missing(
        self, rows: Sequence[Mapping[str, Any]], known: Sequence[KnownRow]
    ) -> Iterator[tuple[str, str, str]]:
        missing = [each.shown for each in known if _place(rows, each) is None]
        if missing:
            promise = "a list shows every row"
            expected = f"{len(known)} rows that were made"
            yield promise, expected, f"{len(missing)} are missing, the first of them {missing[0]}"

    def _compare_answers(
        self,
        made_by: Operation,
        operation: Operation,
        exchange: Exchange,
        known: Sequence[KnownRow],
    ) -> None:
        """Find the first row that is not listed as it was answered when it was made."""
        contract, rows = self.context.contract, rows_of(exchange)
        for each in known:
            ids = {name: str(value) for name, value in each.shown.items()}
            lines = answer_differences(contract, made_by, each.answer, operation, rows, ids)
            if lines:
                promise = "a row is listed as it was answered"
                self._found(made_by, promise, "one value", "\n".join(lines), exchange)
                return

    def _make(self, maker: Maker, number: int) -> KnownRow | None:
        """Make one row; None where the server refuses."""
        operation, login = maker.operation, self.accounts.many[number]
        row = NewRow(login.email, login.password, f"Row-{shuffled(number):03d}")
        fields = {name: text.format(row=row) for name, text in maker.body.items()}
        if is_exception("creates-account", operation.id):
            if login.email in self._registered:  # by an earlier run: to try again costs a hash
                return KnownRow({"email": login.email}, is_new=False)
            self._registered.add(login.email)
        elif "email" in fields:
            self._register(login)
        credential = self._credential(operation)
        if self.context.advance_clock is not None:
            self.context.advance_clock()
        request = self.examples.with_body(operation, fields).request(operation, credential)
        if _IDEMPOTENCY_KEY in request.headers:  # with that of another row it would make none
            headers = {**request.headers, _IDEMPOTENCY_KEY: secrets.token_hex(8)}
            request = replace(request, headers=headers)
        exchange = self.sender.send(operation, request)
        if not exchange.response.succeeded:
            status = exchange.response.status
            self._found(operation, "as many rows as there are can be made", "2xx", status, exchange)
            return None
        made = fields_of(exchange)
        keys = (_key(self.context.contract, each) for each in maker.lists)
        ids = (name for name in made if name == "id" or name.endswith("_id"))
        identity = next((each for each in (*keys, *ids) if each in made), "id")
        return KnownRow({identity: made.get(identity)}, is_new=True, answer=made)

    def _register(self, login: Login) -> None:
        """See to it that an account exists."""
        if login.email in self._registered:
            return
        self._registered.add(login.email)
        for operation in self.context.contract.operations.values():
            if is_exception("creates-account", operation.id):
                body = {"email": login.email, "password": login.password}
                request = self.examples.with_body(operation, body).request(operation, {})
                self.context.target.send(request)

    def _remove(self, maker: Maker, known: Sequence[KnownRow]) -> None:
        """Remove the rows that are not part of something else, where an operation does that."""
        if maker.operation.path_parameters:
            return
        removes = next(
            (
                each
                for each in self.context.contract.operations.values()
                if each.method == "DELETE" and each.path.rpartition("/{")[0] == maker.operation.path
            ),
            None,
        )
        if removes is None:
            return
        name = removes.path_parameters[-1]
        credential = self._credential(removes)
        for row in known:
            parameters = {**self.examples.parameters, name: str(next(iter(row.shown.values())))}
            if row.is_new:
                self.sender.send(
                    removes,
                    Examples(self.context.contract, parameters, {}).request(removes, credential),
                )

    def _credential(self, operation: Operation) -> dict[str, str]:
        return credential_for(self.context.contract, operation, self.accounts)

    def _found(
        self, operation: Operation, promise: str, expected: object, actual: object, shown: Exchange
    ) -> None:
        self.sender.found(
            operation, promise, expected=expected, actual=actual, check=promise, exchange=shown
        )


def _disordered(
    operation: Operation, rows: Sequence[Mapping[str, Any]], known: Sequence[KnownRow]
) -> Iterator[tuple[str, str, str]]:
    """Where rows that were made one after the other are not listed so. That times do not go back
    is looked at in every answer."""
    direction = direction_of(operation)
    if direction is None:
        return
    places = [_place(rows, row) for row in known if row.is_new]
    new = [place for place in places if place is not None][::direction]
    for earlier, later in pairwise(new):
        if later < earlier and not _same_age(rows[earlier], rows[later]):
            promise = "a list is in the order that the contract promises"
            expected = "the newest row first" if direction < 0 else "the oldest row first"
            yield promise, expected, f"row {earlier} was made before row {later}"
            return


def direction_of(operation: Operation) -> int | None:
    """1 where the oldest row comes first, -1 where the newest does, None where nothing is said."""
    order = order_of(operation)
    if order is not None and order.is_of_time:
        return -1 if order.is_descending else 1
    return 1 if _IN_THE_ORDER in " ".join(operation.description.split()) else None


def _same_age(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    ages = [time_of(row.get("created_at")) for row in (first, second)]
    return ages[0] is not None and ages[0] == ages[1]


def _place(rows: Sequence[Mapping[str, Any]], known: KnownRow) -> int | None:
    """Where a list shows a row; None where it does not."""
    for place, row in enumerate(rows):
        if all(row.get(name) == value for name, value in known.shown.items()):
            return place
    return None


def _posted(contract: Contract, shown: Operation) -> Operation | None:
    """The operation that is sent to the path of a list."""
    for operation in contract.operations.values():
        if operation.path == shown.path and operation.method == "POST":
            return operation
    return None


def _row(contract: Contract, operation: Operation) -> Mapping[str, Any] | None:
    """The properties of a list's rows; None where an operation is no list of objects."""
    schema = operation.success.schema(JSON)
    if not operation.is_read or schema is None:
        return None
    array = contract.follow(schema)
    if array.value.get("type") != "array":
        return None
    properties: Mapping[str, Any] | None = contract.follow(array.child("items")).value.get(
        "properties"
    )
    return properties


def _key(contract: Contract, operation: Operation) -> str:
    """The field that tells the rows of a list apart; empty where there is none."""
    properties = _row(contract, operation) or {}
    if "id" in properties:
        return "id"
    return next((name for name in properties if name.endswith("_id")), "")
