"""The rows of a list beside what was asked for: how many, which of them, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.contract.schemas import Problem
from agentserver_contract.http.messages import Request
from agentserver_contract.http.parameters import UnreadableParameter, query_values

_LIMIT = "limit"
_SORTED = re.compile(r"sorted by `(\w+)`")


@dataclass(frozen=True)
class Order:
    """The order of a list's rows: by a field, a time or a text, the least or the greatest first."""

    field: str
    is_descending: bool = False

    def value(self, row: Mapping[str, Any]) -> datetime | str | None:
        """By what a row is sorted; None where that cannot be seen."""
        value = row.get(self.field)
        if not isinstance(value, str):
            return None
        return time_of(value) if self.is_of_time else value

    @property
    def is_of_time(self) -> bool:
        """Whether the field is a time."""
        return self.field.endswith("_at")


_ORDERS = {
    "oldest first": Order("created_at"),
    "newest first": Order("created_at", is_descending=True),
    "last changed first": Order("updated_at", is_descending=True),
}
"""By the words of the contract."""


def promises_rows(operation: Operation) -> bool:
    """Whether the contract says which rows an operation answers with, beside their schema."""
    is_read = operation.method == "GET"
    return is_read and bool(operation.parameters_in("query") or order_of(operation))


def row_problems(
    contract: Contract, operation: Operation, request: Request, value: Any
) -> Iterator[Problem]:
    """Everything in which the rows of a list are others than those that were asked for.

    Args:
        contract: The contract.
        operation: The operation.
        request: The request, which was answered with success.
        value: The JSON body of its answer.
    """
    place, rows = rows_in(operation, value)
    yield from _disordered(operation, place, rows)
    asked = _asked(contract, operation, request.query)
    if asked is not None:
        yield from _too_many(operation, asked, place, rows)
        yield from _others(operation, asked, place, rows)


def _asked(contract: Contract, operation: Operation, query: str) -> Mapping[str, Any] | None:
    """What a query asks for; None if it does not fit the contract, which is not about rows."""
    try:
        asked = query_values(contract, operation, query)
    except UnreadableParameter:
        return None
    for parameter in operation.parameters_in("query"):
        value, schema = asked.get(parameter.name), parameter.schema
        is_json = isinstance(value, str | bool | int)
        if schema is not None and is_json and not contract.validator(schema).is_valid(value):
            return None
    return asked


def rows_in(operation: Operation, value: Any) -> tuple[str, list[Mapping[str, Any]]]:
    """Where the rows of an answer stand, and the rows; none if it is no list."""
    place = "$"
    if isinstance(value, dict) and (page := operation.raw.get("x-sdk-page")):
        place, value = f"$.{page['rows']}", value.get(page["rows"])
    rows = value if isinstance(value, list) else []
    return place, [row for row in rows if isinstance(row, dict)]


def total_in(operation: Operation, value: Any) -> Any:
    """How many rows there are, as an answer with a page of them says; None if it does not."""
    name = operation.raw.get("x-sdk-page", {}).get("total")
    return value.get(name) if name and isinstance(value, dict) else None


def _too_many(
    operation: Operation, asked: Mapping[str, Any], place: str, rows: list[Mapping[str, Any]]
) -> Iterator[Problem]:
    for parameter in operation.parameters_in("query"):
        if parameter.name != _LIMIT or parameter.value_if_omitted is None:
            continue
        most = asked.get(_LIMIT, parameter.value_if_omitted)
        if len(rows) > most:
            given = "was asked for" if _LIMIT in asked else "is meant without a limit"
            yield Problem(_LIMIT, place, f"{len(rows)} rows where {most} {given}")


def _others(
    operation: Operation, asked: Mapping[str, Any], place: str, rows: list[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Rows that have another value than was asked for, in a field of the parameter's name."""
    for name, wanted in asked.items():
        for number, row in enumerate(rows if isinstance(wanted, str | bool | int) else ()):
            if name in row and row[name] != wanted:
                shown = f"{row[name]!r} where {wanted!r} was asked for"
                yield Problem("filter", f"{place}[{number}].{name}", shown)
                break


def _disordered(
    operation: Operation, place: str, rows: list[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Two rows, one after the other, that are not in the order that the contract names."""
    order = order_of(operation)
    if order is None:
        return
    for number, pair in enumerate(pairwise(map(order.value, rows))):
        first, second = reversed(pair) if order.is_descending else pair
        # A text is compared with a text, a time with a time.
        if first is not None and second is not None and first > second:  # type: ignore[operator]
            shown = [row[order.field] for row in rows[number : number + 2]]
            detail = f"{shown[0]!r} comes before {shown[1]!r}"
            yield Problem("order", f"{place}[{number}].{order.field}", detail)
            return


def order_of(operation: Operation) -> Order | None:
    """In which order the contract says that the rows are; None where it names no field of them."""
    said = " ".join(operation.description.split())
    if found := _SORTED.search(said):
        return Order(found[1])
    return next((order for words, order in _ORDERS.items() if words in said), None)


def time_of(value: Any) -> datetime | None:
    """A time of an answer, in UTC where it names no zone; None where it is none."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
