"""Parameters are read as their style, their `explode` and their type say, and written alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.http.parameters import (
    UnreadableParameter,
    header_values,
    query_values,
    written,
)

NUMBERS = {"type": "array", "items": {"type": "integer"}}


def operation_with(**parameter: Any) -> tuple[Contract, Operation]:
    """An operation with one parameter, called `x`."""
    declared = {"name": "x", "in": "query", **parameter}
    get = {"operationId": "get", "parameters": [declared], "responses": {}}
    contract = Contract({"openapi": "3.1.0", "paths": {"/": {"get": get}}})
    return contract, contract.operations["get"]


@pytest.mark.parametrize(
    ("schema", "query", "value"),
    [
        ({"type": "string"}, "x=a%20b", "a b"),
        ({"type": "integer"}, "x=-7", -7),
        ({"type": "number"}, "x=1", 1.0),
        ({"type": "number"}, "x=5e-1", 0.5),
        ({"type": "boolean"}, "x=true", True),
        ({"type": ["boolean", "null"]}, "x=false", False),
        (
            {"type": "string", "format": "date-time"},
            "x=2026-11-23T10:00:00Z",
            datetime(2026, 11, 23, 10, tzinfo=UTC),
        ),
        ({"type": "string", "format": "date-time"}, "x=yesterday", "yesterday"),
        (NUMBERS, "x=1&x=2", [1, 2]),
    ],
)
def test_a_query_value_has_its_type(schema: Any, query: str, value: Any) -> None:
    found = query_values(*operation_with(schema=schema), query)
    assert found == {"x": value}
    assert type(found["x"]) is type(value)


@pytest.mark.parametrize(
    ("style", "query"),
    [
        ("form", "x=1,2"),
        ("spaceDelimited", "x=1%202"),
        ("pipeDelimited", "x=1|2"),
    ],
)
def test_an_array_may_be_one_value(style: str, query: str) -> None:
    declared = operation_with(schema=NUMBERS, style=style, explode=False)
    assert query_values(*declared, query) == {"x": [1, 2]}


def test_a_separator_inside_an_item_is_escaped() -> None:
    texts = {"type": "array", "items": {"type": "string"}}
    declared = operation_with(schema=texts, explode=False)
    assert query_values(*declared, "x=a%2Cb,c%20d") == {"x": ["a,b", "c d"]}


@pytest.mark.parametrize(
    ("schema", "query"),
    [
        ({"type": "integer"}, "x=1.5"),
        ({"type": "number"}, "x=nan"),
        ({"type": "number"}, "x=1_000"),
        ({"type": "boolean"}, "x=1"),
        ({"type": "string"}, "x=a&x=b"),
        ({"type": "string"}, "y=a"),
        (NUMBERS, "x=1&x=a"),
    ],
)
def test_what_has_another_form_is_not_read(schema: Any, query: str) -> None:
    with pytest.raises(UnreadableParameter):
        query_values(*operation_with(schema=schema), query)


def test_a_header_is_read_by_its_name_in_any_case() -> None:
    declared = operation_with(**{"in": "header"}, name="X-Numbers", schema=NUMBERS)
    assert header_values(*declared, {"x-numbers": "1, 2"}) == {"X-Numbers": [1, 2]}
    assert header_values(*declared, {}) == {}


@pytest.mark.parametrize(
    ("parameter", "value", "texts"),
    [
        ({"schema": {"type": "boolean"}}, True, ["true"]),
        ({"schema": NUMBERS}, [1, 2], ["1", "2"]),
        ({"schema": NUMBERS, "explode": False}, [1, 2], ["1,2"]),
        ({"schema": NUMBERS, "in": "header"}, [1, 2], ["1,2"]),
    ],
)
def test_an_example_is_written_as_it_is_read(parameter: Any, value: Any, texts: Any) -> None:
    _, operation = operation_with(**parameter)
    assert written(operation.parameters[0], value) == texts
