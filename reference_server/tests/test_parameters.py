"""What the server makes of query parameters and headers."""

from typing import Any

import jsonschema_rs
import pytest
from starlette.datastructures import Headers, QueryParams

from agentserver_reference.contract import Parameter
from agentserver_reference.domain.errors import BadRequest
from agentserver_reference.http.request import read_headers, read_query


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
    assert read_query(PARAMETERS, QueryParams(given)) == {
        "limit": 10,
        "share": 0.5,
        "deep": False,
        "since": "2026-01-01T00:00:00Z",
    }


def test_a_parameter_left_out_is_absent() -> None:
    assert read_query(PARAMETERS, QueryParams()) == {}


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
        ("share", "1e999", "must be a number"),
        ("share", "", "must be a number"),
        ("deep", "yes", "must be true or false"),
        ("since", "yesterday", "must be a valid date-time"),
    ],
)
def test_a_bad_value_is_refused_and_never_another_value(name: str, text: str, rule: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_query(PARAMETERS, QueryParams({name: text}))
    assert refused.value.line == f"{name}: {rule}"


def test_a_required_parameter_is_required() -> None:
    with pytest.raises(BadRequest, match=r"^since: is required$"):
        read_query((parameter("since", {"type": "string"}, required=True),), QueryParams())


@pytest.mark.parametrize(
    ("text", "number"), [("0.5", 0.5), ("-3", -3.0), ("1e-05", 1e-05), ("2.5E+3", 2500.0)]
)
def test_numbers_are_read_as_json_writes_them(text: str, number: float) -> None:
    assert read_query(PARAMETERS, QueryParams({"share": text})) == {"share": number}


def test_of_a_parameter_given_twice_the_last_counts() -> None:
    assert read_query(PARAMETERS, QueryParams("limit=1&limit=2")) == {"limit": 2}


def array(name: str, item: str, **form: bool) -> Parameter:
    schema = {"type": "array", "items": {"type": item}, "maxItems": 3}
    validator = jsonschema_rs.Draft202012Validator(schema)
    return Parameter(name, False, item, validator, is_array=True, **form)


def test_a_list_is_repeated_or_separated_by_commas() -> None:
    parameters = (array("tag", "string", is_repeated=True), array("size", "integer"))
    given = QueryParams("tag=a,b&tag=c&size=1,2")
    assert read_query(parameters, given) == {"tag": ["a,b", "c"], "size": [1, 2]}
    with pytest.raises(BadRequest, match=r"^size\[1\]: must be a whole number$"):
        read_query(parameters, QueryParams("size=1,x"))


def test_a_list_in_a_header_may_span_several_lines() -> None:
    given = Headers(raw=[(b"x-sizes", b"1, 2"), (b"x-sizes", b"3")])
    assert read_headers((array("X-Sizes", "integer"),), given) == {"X-Sizes": [1, 2, 3]}
