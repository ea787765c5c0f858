"""Types, bounds, roles and credentials of the contract, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from layout import code

from agentserver_contract.contract.document import Contract, Operation

ROLES: Mapping[str, str] = {
    "none": "Anyone",
    "user": "Anyone with an account",
    "guest": "Every member of the workspace",
    "developer": "Developers of the workspace and above",
    "maintainer": "Maintainers of the workspace and above",
    "owner": "Owners of the workspace",
    "admin": "Administrators of the installation",
    "agent": "The agent in a sandbox",
}

# How each keyword that restricts a value is written.
_BOUNDS: Mapping[str, str] = {
    "format": "format {}",
    "const": "always {}",
    "enum": "one of {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "x-max-bytes": "at most {} bytes in UTF-8",
    "pattern": "matches {}",
}

# Pairs of keywords that set a lower and an upper bound, with the unit.
_RANGES = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)


def link(name: str, page: str = "schemas.md") -> str:
    """A link to a schema."""
    return f"[{code(name)}]({page}#{name})"


def type_of(schema: Mapping[str, Any]) -> str:
    """The type of a value, linked if it has a name."""
    if "$ref" in schema:
        return link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(type_of(each) for each in schema["anyOf"])
    given = schema.get("type", "any")
    kinds = given if isinstance(given, list) else [given]
    if "array" in kinds:
        return f"array of {type_of(schema['items'])}"
    return " or ".join(kinds)


def nullable(schema: Mapping[str, Any]) -> bool:
    """Whether null is allowed."""
    return "null" in schema.get("type", ()) or any(map(nullable, schema.get("anyOf", ())))


def bounds(schema: Mapping[str, Any]) -> str:
    """The restrictions of a value beyond its type, as one sentence; empty without any."""
    restrictions = [
        *_ranges(schema),
        *(
            words.format(_value(keyword, schema[keyword]))
            for keyword, words in _BOUNDS.items()
            if keyword in schema
        ),
    ]
    text = ", ".join(restrictions)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def role(operation: Operation) -> str:
    """Who may call an operation."""
    return ROLES[operation.required_role or "none"]


def credential(contract: Contract, operation: Operation) -> str:
    """The credentials that an operation accepts."""
    shown = " or ".join(_credentials(contract, operation.schemes))
    if not shown:
        return "none"
    return shown if operation.is_secured else f"{shown}, or none"


def _credentials(contract: Contract, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        scheme = contract.components("securitySchemes")[name]
        if scheme["type"] == "apiKey":
            yield f"the {scheme['in']} {code(scheme['name'])}"
        else:
            yield f"the {scheme['scheme']} token {code(name)}"


def _ranges(schema: Mapping[str, Any]) -> Iterator[str]:
    for least, most, unit in _RANGES:
        if least in schema and most in schema:
            yield f"{schema[least]:,} to {schema[most]:,}{unit}"
        elif least in schema:
            yield f"at least {schema[least]:,}{unit}"
        elif most in schema:
            yield f"at most {schema[most]:,}{unit}"


def _value(keyword: str, value: Any) -> str:
    if keyword == "enum":
        return ", ".join(code(_text(each)) for each in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return code(_text(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
