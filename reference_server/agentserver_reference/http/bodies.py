"""The request body: one JSON object, read within its limits and checked against the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs
import msgspec
from starlette.requests import Request

from agentserver_reference.contract import Body, Shape
from agentserver_reference.domain.errors import Invalid, Refusal

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 100

_decode = msgspec.json.Decoder().decode


class PayloadTooLarge(Refusal):
    """The body is longer than the server reads."""


class UnsupportedMediaType(Refusal):
    """The body is said to be something other than JSON."""


async def read_body(request: Request, body: Body) -> dict[str, Any] | None:
    """The valid body with its documented fields, or None where it is optional and left out.

    Raises:
        UnsupportedMediaType, PayloadTooLarge, Invalid: one line that names the field and the rule.
    """
    _check_media_type(request)
    raw = await _read_bytes(request)
    if not raw and not body.required:
        return None
    value = _parse(raw)
    try:
        body.validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        raise Invalid(explain(error, body.examples)) from None
    pruned: dict[str, Any] = _prune(value, body.shape)
    return pruned


def _check_media_type(request: Request) -> None:
    given = request.headers.get("content-type")
    if given is not None and given.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("Content-Type: must be application/json")


async def _read_bytes(request: Request) -> bytes:
    """The body, given up on as soon as it is known to be too long."""
    refusal = PayloadTooLarge(f"body: must not be over {MAX_BYTES} bytes")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BYTES:
        raise refusal
    chunks, length = [], 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > MAX_BYTES:
            raise refusal
        chunks.append(chunk)
    return b"".join(chunks)


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        value = _decode(raw)
    except RecursionError:
        raise Invalid(_TOO_DEEP) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid("body: must be JSON") from None
    if not isinstance(value, dict):
        raise Invalid("body: must be one JSON object")
    if _is_too_deep(value):
        raise Invalid(_TOO_DEEP)
    return value


_TOO_DEEP = f"body: must not nest more than {MAX_DEPTH} levels"


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _containers(parent)]
    return bool(level)


def _containers(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    return [child for child in children if isinstance(child, dict | list)]


def _prune(value: Any, shape: Shape) -> Any:
    """What the contract names, and no more; a number such as 1.0 as the integer it is."""
    if isinstance(shape, dict) and isinstance(value, dict):
        return {name: _prune(value[name], inner) for name, inner in shape.items() if name in value}
    if isinstance(shape, list) and isinstance(value, list):
        return [_prune(item, shape[0]) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def explain(error: jsonschema_rs.ValidationError, examples: Mapping[str, str], at: str = "") -> str:
    """One line that names the field and the rule, and never the value.

    Arguments:
        error: what a validator of the contract found.
        examples: by pattern, a text that fits it.
        at: name of what was validated, where that is one value and no body.
    """
    kind, details = error.kind.name, error.kind.as_dict()
    if kind in ("anyOf", "oneOf"):
        # "This or null": what is wrong with this tells more than that it is not null either.
        nested: list[list[jsonschema_rs.ValidationError]] = details["context"]
        return explain(next(branch[0] for branch in nested if branch), examples, at)
    path = [*error.instance_path, *([details["property"]] if kind == "required" else [])]
    field = at + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    rule = _RULES[kind](details) if kind in _RULES else "is not valid"
    if kind == "pattern" and "\0" in str(error.instance):
        rule = "must not contain NUL"
    elif kind == "pattern" and details["pattern"] in examples:
        rule = f"must look like {examples[details['pattern']]}"
    return f"{field.lstrip('.') or 'body'}: {rule}"


def _at_least(noun: str) -> Callable[[dict[str, Any]], str]:
    return lambda d: f"must have at least {d['limit']} {noun}{'' if d['limit'] == 1 else 's'}"


def _at_most(noun: str) -> Callable[[dict[str, Any]], str]:
    return lambda d: f"must have at most {d['limit']} {noun}{'' if d['limit'] == 1 else 's'}"


def _plain(option: Any) -> str:
    return "null" if option is None else str(option)


_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}

_RULES: dict[str, Callable[[dict[str, Any]], str]] = {
    "required": lambda _: "is required",
    "type": lambda d: "must be " + " or ".join(_TYPES[t] for t in sorted(d["types"], key=_order)),
    "enum": lambda d: "must be one of " + ", ".join(map(_plain, d["options"])),
    "const": lambda d: f"must be {d['expected_value']}",
    "format": lambda d: f"must be a valid {d['format']}",
    "pattern": lambda d: f"must match {d['pattern']}",
    "minimum": lambda d: f"must be at least {d['limit']}",
    "maximum": lambda d: f"must be at most {d['limit']}",
    "exclusiveMinimum": lambda d: f"must be more than {d['limit']}",
    "exclusiveMaximum": lambda d: f"must be less than {d['limit']}",
    "minLength": _at_least("character"),
    "maxLength": _at_most("character"),
    "minItems": _at_least("item"),
    "maxItems": _at_most("item"),
    "minProperties": _at_least("field"),
    "maxProperties": _at_most("field"),
    "uniqueItems": lambda _: "must not hold the same item twice",
    "x-max-bytes": lambda d: str(d["message"]),
}


def _order(name: str) -> int:
    return list(_TYPES).index(name)
