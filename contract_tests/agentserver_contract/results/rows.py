"""The rows of a list beside what was asked for: how many, which of them, and in which order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from agentserver_contract.contract.document import Operation
from agentserver_contract.contract.schemas import Problem
from agentserver_contract.http.messages import Request

_LIMIT = "limit"
_SORTED = re.compile(r"sorted by `(\w+)`")


def promises_rows(operation: Operation) -> bool:
    """Whether the contract says which rows an operation answers with, beside their schema."""
    is_read = operation.method == "GET"
    return is_read and bool(operation.parameters_in("query") or _sorted_by(operation))


def row_problems(operation: Operation, request: Request, value: Any) -> Iterator[Problem]:
    """Everything in which the rows of a list are others than those that were asked for.

    Args:
        operation: The operation.
        request: The request, which was answered with success.
        value: The JSON body of its answer.
    """
    place, rows = _rows(operation, value)
    asked = dict(parse_qsl(request.query, keep_blank_values=True))
    yield from _too_many(operation, asked, place, rows)
    yield from _others(operation, asked, place, rows)
    yield from _disordered(operation, place, rows)


def _rows(operation: Operation, value: Any) -> tuple[str, list[Mapping[str, Any]]]:
    """Where the rows of an answer stand, and the rows; none if it is no list."""
    place = "$"
    if isinstance(value, dict) and (page := operation.raw.get("x-sdk-page")):
        place, value = f"$.{page['rows']}", value.get(page["rows"])
    rows = value if isinstance(value, list) else []
    return place, [row for row in rows if isinstance(row, dict)]


def _too_many(
    operation: Operation, asked: Mapping[str, str], place: str, rows: list[Mapping[str, Any]]
) -> Iterator[Problem]:
    for parameter in operation.parameters_in("query"):
        if parameter.name != _LIMIT or parameter.value_if_omitted is None:
            continue
        most = asked.get(_LIMIT, str(parameter.value_if_omitted))
        if most.isdecimal() and len(rows) > int(most):
            given = "was asked for" if _LIMIT in asked else "is meant without a limit"
            yield Problem(_LIMIT, place, f"{len(rows)} rows where {most} {given}")


def _others(
    operation: Operation, asked: Mapping[str, str], place: str, rows: list[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Rows that have another value than was asked for, in a field of the parameter's name."""
    for parameter in operation.parameters_in("query"):
        wanted = asked.get(parameter.name)
        for number, row in enumerate(rows if wanted is not None else ()):
            if parameter.name in row and _as_text(row[parameter.name]) != wanted:
                shown = f"{row[parameter.name]!r} where {wanted!r} was asked for"
                yield Problem("filter", f"{place}[{number}].{parameter.name}", shown)
                break


def _disordered(
    operation: Operation, place: str, rows: list[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Rows that are not sorted by the field that the contract names, as texts are compared."""
    name = _sorted_by(operation)
    for number, (earlier, later) in enumerate(pairwise(row.get(name) for row in rows)):
        if isinstance(earlier, str) and isinstance(later, str) and earlier > later:
            detail = f"{earlier!r} comes before {later!r}"
            yield Problem("order", f"{place}[{number}].{name}", detail)
            return


def _sorted_by(operation: Operation) -> str:
    """The field by which the rows are sorted; empty where the contract names none."""
    found = _SORTED.search(" ".join(operation.description.split()))
    return found[1] if found else ""


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
