"""What the server makes of query parameters."""

from typing import Any

import jsonschema_rs
import pytest

from agentserver_reference.contract import Parameter
from agentserver_reference.domain.errors import BadRequest
from agentserver_reference.http.request import read_query


def parameter(name: str, schema: dict[str, Any], *, required: bool = False) -> Parameter:
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return Parameter(name, required, schema["type"], validator)


PARAMETERS = (
    parameter("limit", {"type": "integer", "minimum": 1, "maximum": 100}),
    parameter("share", {"type": "number"}),
    parameter("deep", {"type": "boolean"}),
    parameter("since", {"type": "string", "format": "date-time"}),
)


def test_documented_parameters_get_their_type_and_others_are_ignored() -> None:
    given = {
        "limit": "10",
        "share": "0.5",
        "deep": "false",
        "since": "2026-01-01T00:00:00Z",
        "other": "x",
    }
    assert read_query(PARAMETERS, given) == {
        "limit": 10,
        "share": 0.5,
        "deep": False,
        "since": "2026-01-01T00:00:00Z",
    }


def test_a_parameter_left_out_is_absent() -> None:
    assert read_query(PARAMETERS, {}) == {}


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("limit", "0", "must be at least 1"),
        ("limit", "101", "must be at most 100"),
        ("limit", "1.0", "must be a whole number"),
        ("limit", "", "must be a whole number"),
        ("limit", "٣", "must be a whole number"),
        ("limit", "9" * 5000, "must be a whole number"),
        ("share", "nan", "must be a number"),
        ("deep", "yes", "must be true or false"),
        ("since", "yesterday", "must be a valid date-time"),
    ],
)
def test_a_bad_value_is_refused_and_never_another_value(name: str, text: str, rule: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_query(PARAMETERS, {name: text})
    assert refused.value.line == f"{name}: {rule}"


def test_a_required_parameter_is_required() -> None:
    with pytest.raises(BadRequest, match=r"^since: is required$"):
        read_query((parameter("since", {"type": "string"}, required=True),), {})
