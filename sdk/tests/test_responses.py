"""Every documented answer, in forms the contract allows and in forms it does not, is decoded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from importlib import import_module
from math import inf
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import jsonschema_rs
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agentserver._generated.api
from agentserver._decoding import DecodeError, Decoding
from agentserver._model import Model
from agentserver._operation import Operation
from agentserver.pagination import Page

ROOT = Path(__file__).parents[2]
CONTRACT = json.loads(
    (ROOT / "reference_server/agentserver_reference/openapi.json").read_text(encoding="utf-8")
)
STRICT, LENIENT = Decoding(strict=True), Decoding()

QUICK = settings(
    max_examples=15,
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def inlined(schema: Any) -> Any:
    """The schema with every reference replaced by what it names."""
    if isinstance(schema, list):
        return [inlined(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        target: Any = CONTRACT
        for part in schema["$ref"].split("/")[1:]:
            target = target[part]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return {
        key: {name: inlined(field) for name, field in value.items()}
        if key == "properties"  # its keys are names, `description` among them
        else inlined(value)
        for key, value in schema.items()
        if key not in ("description", "example", "examples")
    }


def answers() -> Iterator[tuple[Operation[Any], dict[str, Any], list[Any]]]:
    """Every success that has content: its operation with it alone, its schema and examples."""
    raw = {
        each["operationId"]: each
        for item in CONTRACT["paths"].values()
        for each in item.values()
        if isinstance(each, dict) and "operationId" in each
    }
    package = agentserver._generated.api
    for module in walk_packages(package.__path__, f"{package.__name__}."):
        if module.ispkg:
            continue
        operation: Operation[Any] = import_module(module.name).OPERATION
        for status in operation.success:
            response = raw[operation.id]["responses"][str(status)]
            if "content" in response:
                content = response["content"]["application/json"]
                examples = [each["value"] for each in content.get("examples", {}).values()]
                yield (
                    evolve(operation, success={status: operation.success[status]}),
                    inlined(content["schema"]),
                    examples or [content["example"]],
                )


def allowed(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema allows; a keyword not known here would make later tests fail."""
    if "anyOf" in schema:
        return st.one_of(*map(allowed, schema["anyOf"]))
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:
        return SCALARS
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of(*(BY_KIND[kind](schema) for kind in kinds))


def text(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return TIMES
    least, most = schema.get("minLength", 0), schema.get("maxLength", inf)
    if "pattern" in schema:
        pattern = schema["pattern"].removesuffix("$") + r"\Z"  # as ECMA's, before no line feed
        return st.from_regex(pattern).filter(lambda found: least <= len(found) <= most)
    return st.text(min_size=least, max_size=min(most, 50))


def an_object(schema: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in schema:
        return st.dictionaries(st.text(max_size=9), SCALARS)
    fields = {name: allowed(field) for name, field in schema["properties"].items()}
    required = {name: fields[name] for name in schema.get("required", [])}
    optional = {name: field for name, field in fields.items() if name not in required}
    known = st.fixed_dictionaries(required, optional=optional)
    if schema.get("additionalProperties") is False:
        return known
    unknown = st.dictionaries(st.text(max_size=9).filter(lambda n: n not in fields), SCALARS)
    return st.builds(lambda more, these: {**more, **these}, unknown, known)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=300)
    | st.just([])
    | st.just({})
)
TIMES = st.builds(
    lambda time, fraction, zone: f"{time:%Y-%m-%dT%H:%M:%S}{fraction}{zone}",
    st.datetimes(min_value=datetime(1000, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["", ".5", ".98652", ".123456", ".123456789"]),
    st.sampled_from(["Z", "z", "+00:00", "+08:00", "-03:30"]),
)
BY_KIND: Mapping[str, Callable[[Mapping[str, Any]], st.SearchStrategy[Any]]] = {
    "null": lambda _: st.none(),
    "boolean": lambda _: st.booleans(),
    "integer": lambda schema: st.integers(schema.get("minimum"), schema.get("maximum")),
    "number": lambda schema: st.floats(
        schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False
    ),
    "string": text,
    "object": an_object,
    "array": lambda schema: st.lists(
        allowed(schema["items"]),
        min_size=schema.get("minItems", 0),
        max_size=min(schema.get("maxItems", 5), 5),
    ),
}

ANSWERS = [
    pytest.param(*each, id=f"{each[0].id}-{next(iter(each[0].success))}") for each in answers()
]


def decode(operation: Operation[Any], wire: Any, decoding: Decoding) -> Any:
    decode = operation.decoder(next(iter(operation.success)))
    assert callable(decode)
    return decode(deepcopy(wire), decoding)


def given_back(result: Any) -> Any:
    if isinstance(result, Page):
        return [given_back(item) for item in result]
    return result.to_dict() if isinstance(result, Model) else result


def assert_reads_as(value: Any, wire: Any, schema: Mapping[str, Any], at: str) -> None:
    """Compare what the user sees with the JSON, field by field, as the contract describes it."""
    if wire is None:
        assert value is None, at
        return
    for member in schema.get("anyOf", []):
        if member.get("type") != "null":
            schema = member
    if schema.get("type") == "object" and "properties" in schema:
        assert isinstance(value, Model), at
        attributes = {field.name: field.attribute for field in value.FIELDS}
        for name, field in schema["properties"].items():
            read = getattr(value, attributes[name])
            assert_reads_as(read, wire.get(name), field, f"{at}.{name}")
        unknown = {name: item for name, item in wire.items() if name not in schema["properties"]}
        assert dict(value.additional_properties) == unknown, at  # type: ignore[attr-defined]
    elif schema.get("type") == "array":
        assert len(value) == len(wire), at
        for index, item in enumerate(wire):
            assert_reads_as(value[index], item, schema["items"], f"{at}[{index}]")
    elif schema.get("format") == "date-time" and isinstance(value, datetime):
        assert value == datetime.fromisoformat(wire.upper()), at
        assert value.utcoffset() is not None, at
    else:
        assert value == wire, at


@pytest.mark.parametrize(("operation", "schema", "examples"), ANSWERS)
def test_every_answer_the_contract_allows_is_read_and_given_back(
    operation: Operation[Any], schema: dict[str, Any], examples: list[Any]
) -> None:
    @QUICK
    @given(allowed(schema))
    def check(wire: Any) -> None:
        for decoding in (STRICT, LENIENT):
            result = decode(operation, wire, decoding)
            assert_reads_as(result, wire, schema, "$")
            assert json.dumps(given_back(result)) == json.dumps(wire)

    check()
    for example in examples:
        assert given_back(decode(operation, example, STRICT)) == example


@pytest.mark.parametrize(("operation", "schema", "examples"), ANSWERS)
def test_strict_decoding_agrees_with_a_json_schema_validator(
    operation: Operation[Any], schema: dict[str, Any], examples: list[Any]
) -> None:
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)

    @QUICK
    @given(st.data())
    def check(data: st.DataObject) -> None:
        wire = {"": deepcopy(data.draw(st.sampled_from(examples)))}
        places = list(containers(wire))
        container, key = data.draw(st.sampled_from(places))
        if isinstance(container, dict) and key and data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = data.draw(SCALARS)
        answer = wire[""]
        valid = validator.is_valid(answer)
        try:
            decode(operation, answer, STRICT)
            refused = None
        except DecodeError as error:
            refused = str(error)
        assert valid is (refused is None), f"{answer} is valid: {valid}; strictly: {refused}"

    check()


def containers(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as its container and key."""
    keys = list(node) if isinstance(node, dict) else range(len(node))
    for key in keys:
        yield node, key
        if isinstance(node[key], dict | list):
            yield from containers(node[key])


def broken(wire: Any, schema: Mapping[str, Any], at: str) -> Iterator[tuple[Any, str, str]]:
    """Every way to break one rule of the schema: the broken value, where, and how."""
    fits_any_json = not {"anyOf", "const", "enum", "type"} & schema.keys()
    if wire is None or fits_any_json:
        return
    options = schema.get("anyOf", [schema])
    nullable = any("null" in str(each.get("type")) for each in options)
    if not nullable:
        yield None, at, "null"
    schema = next(each for each in options if each.get("type") != "null")
    yield from ((value, at, "out of bounds") for value in beyond(schema))
    if isinstance(wire, dict):
        yield "text", at, "wrong type"
        for name, field in schema.get("properties", {}).items():
            if name in schema.get("required", []):
                yield ({k: v for k, v in wire.items() if k != name}, f"{at}.{name}", "left out")
            if name in wire:
                for value, where, how in broken(wire[name], field, f"{at}.{name}"):
                    yield {**wire, name: value}, where, how
    elif isinstance(wire, list):
        yield {}, at, "wrong type"
        for index, item in enumerate(wire):
            for value, where, how in broken(item, schema["items"], f"{at}[{index}]"):
                yield [*wire[:index], value, *wire[index + 1 :]], where, how
    else:
        yield ({} if isinstance(wire, str) else "text"), at, "wrong type"
        if isinstance(wire, int) and not isinstance(wire, bool):
            yield True, at, "wrong type"
            yield wire + 0.5, at, "fraction"


def beyond(schema: Mapping[str, Any]) -> Iterator[Any]:
    if "enum" in schema or isinstance(schema.get("const"), str):
        yield "no-such-value"
    if isinstance(schema.get("const"), bool):
        yield not schema["const"]
    if schema.get("format") == "date-time":
        yield from ("yesterday", "2026-11-23T10:00:00", "2026-13-01T00:00:00Z")
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "maximum" in schema:
        yield schema["maximum"] + 1
    if schema.get("minLength"):
        yield "x" * (schema["minLength"] - 1)
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if schema.get("minItems"):
        yield []


@pytest.mark.parametrize(("operation", "schema", "examples"), ANSWERS)
def test_every_broken_rule_is_named_strictly_and_read_leniently(
    operation: Operation[Any], schema: dict[str, Any], examples: list[Any]
) -> None:
    tried = 0
    for example in examples:
        for wire, at, how in broken(example, schema, "$"):
            tried += 1
            with pytest.raises(DecodeError) as raised:
                decode(operation, wire, STRICT)
            assert raised.value.path == at, f"{how} at {at} was found at {raised.value}: {wire}"
            if at != "$":
                assert given_back(decode(operation, wire, LENIENT)) == wire, f"{how} at {at}"
    assert tried > 0


def test_an_unknown_enum_value_is_readable_wherever_the_contract_has_an_enum() -> None:
    def enums(node: Any) -> bool:
        if isinstance(node, dict):
            return "enum" in node or any(map(enums, node.values()))
        return isinstance(node, list) and any(map(enums, node))

    for operation, schema, examples in answers():
        for wire, at, _ in broken(examples[0], schema, "$"):
            if enums(schema) and "no-such-value" in json.dumps(wire):
                read = decode(operation, wire, LENIENT)
                assert "no-such-value" in repr(read), f"{operation.id} at {at}"


def test_answers_were_found() -> None:
    assert len(ANSWERS) > 0
