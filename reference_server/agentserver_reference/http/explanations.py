"""Validation errors in plain English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs


def explain(error: jsonschema_rs.ValidationError, examples: Mapping[str, str], at: str = "") -> str:
    """Return one line that names the field and the rule, but never the value.

    Arguments:
        error: the error of a validator.
        examples: for each pattern, a text that matches it.
        at: the name of the validated value, if it is not a body.
    """
    kind, details = error.kind.name, error.kind.as_dict()
    if kind in ("anyOf", "oneOf"):
        # "This or null": the error of the first branch is more helpful than "is not null".
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
