"""Checks of JSON values against the contract: everything that is wrong with a body, one by one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from agentserver_contract.contract.document import JSON, Contract, Located, Operation

AnyOf = jsonschema_rs.ValidationErrorKind.AnyOf
OneOfNotValid = jsonschema_rs.ValidationErrorKind.OneOfNotValid
Required = jsonschema_rs.ValidationErrorKind.Required

MAX_BODY_BYTES = 1024 * 1024
MAX_NESTING = 100
REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
"""An X-Request-Id that is kept."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a JSON text."""

    rule: str
    """The keyword of the schema that is broken, or the name of a rule that holds for every body."""
    at: str
    """JSON path of the place, `$` for the whole."""
    message: str


def media_type(content_type: str | None) -> str | None:
    """The bare media type of a Content-Type header in lower case."""
    return content_type.partition(";")[0].strip().lower() if content_type else None


def json_path(steps: list[str | int]) -> str:
    """`["models", 0, "id"]` as `$.models[0].id`."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def schema_problems(contract: Contract, schema: Located, value: Any) -> Iterator[Problem]:
    """Everything in which a JSON value breaks a schema."""
    for error in contract.validator(schema).iter_errors(value):
        yield from _problems(error)


def _problems(error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
    """The problems behind an error: what the one alternative says that is of the value's type."""
    kind = error.kind
    if isinstance(kind, AnyOf | OneOfNotValid):
        right_type = [
            inner
            for inner in kind.context
            if not any(
                e.kind.name == "type" and e.instance_path == error.instance_path for e in inner
            )
        ]
        if len(right_type) == 1:
            for inner in right_type[0]:
                yield from _problems(inner)
            return
    steps: list[str | int] = list(error.instance_path)
    if isinstance(kind, Required):
        steps.append(kind.property)
    yield Problem(kind.name, json_path(steps), _shorten(error.message))


def request_problems(
    contract: Contract, operation: Operation, body: bytes | None, content_type: str | None
) -> list[Problem]:
    """Everything for which the contract refuses a request body; empty means that it must be taken.

    Arguments:
        body: The bytes sent, None when there are none.
        content_type: The Content-Type header as sent, None when it was left out.
    """
    if operation.body is None:
        return []
    if not body:
        missing = Problem("no body", "$", "the operation reads a body and none was sent")
        return [missing] if operation.body_required else []
    if len(body) > MAX_BODY_BYTES:
        return [Problem("too large", "$", f"{len(body)} bytes are over {MAX_BODY_BYTES}")]
    if content_type is not None and media_type(content_type) != JSON:
        return [Problem("content type", "$", f"{content_type} is not {JSON}")]
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return [Problem("not UTF-8", "$", "the body is not UTF-8")]
    try:
        value, end = _DECODER.raw_decode(text.lstrip(" \t\r\n"))
    except (ValueError, RecursionError) as error:
        return [Problem("not JSON", "$", f"the body is not JSON: {error}")]
    if text.lstrip(" \t\r\n")[end:].strip(" \t\r\n"):
        return [Problem("trailing text", "$", "something follows the JSON value")]
    problems = list(_value_problems(value))
    if any(problem.rule == "nesting" for problem in problems):
        return problems
    by_schema = list(schema_problems(contract, operation.body, _without_surrogates(value)))
    # Schemas exclude NUL from the fields that they name, and no JSON that is kept has it; other
    # fields are ignored with what they hold.
    named = {problem.at for problem in by_schema}
    problems = [
        problem
        for problem in problems
        if problem.rule != "NUL"
        or problem.at in named
        or _in_open_json(contract, operation, problem.at)
    ]
    broken = {problem.at for problem in problems}
    return problems + [problem for problem in by_schema if problem.at not in broken]


def refusal_of_body(operation: Operation, problems: list[Problem]) -> int:
    """The status with which a body is refused that has these problems, and is read at all.

    Where an operation documents 422, that is for a number that is only out of its range.
    """
    only_out_of_range = all(problem.rule in _RANGES for problem in problems)
    return 422 if 422 in operation.responses and only_out_of_range else 400


_RANGES = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def is_open(schema: Mapping[str, Any]) -> bool:
    """Whether a schema allows an object of any fields, and says of none what it is."""
    if not schema.keys() & {"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"}:
        return True
    return schema.get("additionalProperties") is True and "properties" not in schema


def _in_open_json(contract: Contract, operation: Operation, at: str) -> bool:
    """Whether a place in a body is in a field that may be any JSON."""
    return any(
        re.match(rf"{re.escape(json_path([each.name]))}(?![\w-])", at)
        for each in operation.fields
        if each.schema and is_open(contract.follow(each.schema).value)
    )


def _value_problems(value: Any) -> Iterator[Problem]:
    """Violations of the rules that apply to every value in a body, whatever its schema says."""
    waiting: list[tuple[list[str | int], Any]] = [([], value)]
    while waiting:
        steps, item = waiting.pop()
        at = json_path(steps)
        if isinstance(item, str):
            if "\0" in item:
                yield Problem("NUL", at, "a NUL character")
            if item != _without_surrogates(item):
                yield Problem("lone surrogate", at, "half of a surrogate pair")
        elif isinstance(item, float) and not math.isfinite(item):
            yield Problem("not finite", at, "a number too great for a float")
        elif len(steps) >= MAX_NESTING and isinstance(item, list | dict):
            yield Problem("nesting", at, f"deeper than {MAX_NESTING} levels")
        elif isinstance(item, list):
            waiting.extend(([*steps, index], inner) for index, inner in enumerate(item))
        elif isinstance(item, dict):
            if any(key != _without_surrogates(key) for key in item):
                yield Problem("lone surrogate", at, "half of a surrogate pair in a name")
            if any("\0" in key for key in item):
                yield Problem("NUL", at, "a NUL character in a name")
            waiting.extend(([*steps, key], inner) for key, inner in item.items())


def _without_surrogates(value: Any) -> Any:
    """The value as a validator that insists on UTF-8 can read it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def _shorten(message: str, limit: int = 200) -> str:
    return message if len(message) <= limit else f"{message[: limit - 3]}..."
