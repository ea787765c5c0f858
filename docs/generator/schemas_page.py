"""The page of the schemas: every component with its fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import wording
from contract import SCHEMAS, Contract, Schema
from layout import block, code, flat, label, paragraphs, table
from tag_page import place


def page(contract: Contract) -> str:
    """Write the page."""
    return paragraphs(
        "# Schemas",
        "What bodies hold, of requests and of answers. A field that an answer may leave out is "
        "optional; one that may be null says so.",
        *(_schema(contract, name, schema) for name, schema in contract.schemas.items()),
    )


def _schema(contract: Contract, name: str, schema: Schema) -> str:
    example = contract.example_of(name)
    shown = "" if example is None else block("json", json.dumps(example, indent=2))
    fields = (_field(contract, schema, each) for each in schema.get("properties", {}))
    return paragraphs(
        f"## {name} {{ #{name} }}",
        schema.get("description", ""),
        _value(schema),
        table("fields", ("Field", "Type", "Description"), fields),
        paragraphs(label("Example"), shown) if shown else "",
        _uses(contract, name),
    )


def _value(schema: Schema) -> str:
    """What a schema is that is no object."""
    if "properties" in schema:
        return ""
    kind = wording.type_of(schema)
    return f"{kind[0].upper()}{kind[1:]}. {wording.bounds(schema)}"


def _field(contract: Contract, schema: Schema, name: str) -> tuple[str, str, str]:
    field: Any = schema["properties"][name]
    found = contract.follow(field)
    need = "required" if name in schema.get("required", []) else "optional"
    null = ", nullable" if wording.nullable(found) else ""
    bounds = "" if "$ref" in field else wording.bounds(found)
    examples = ", ".join(code(str(each)) for each in found.get("examples", []))
    told = f"{found.get('description', '')} {bounds}"
    return (
        f"{code(name)} <small>{need}{null}</small>",
        wording.type_of(field),
        flat(f"{told} For example {examples}." if examples else told),
    )


def _uses(contract: Contract, name: str) -> str:
    used = ", ".join(_users(contract, name))
    return f"Used by {used}." if used else ""


def _users(contract: Contract, name: str) -> Iterator[str]:
    for other, schema in contract.schemas.items():
        if other != name and _mentions(schema, name):
            yield f"[{code(other)}](#{other})"
    for operation in contract.operations.values():
        if _mentions([operation.body, operation.success.content], name):
            yield f"[{code(operation.id)}]({place(operation)})"


def _mentions(node: Any, name: str) -> bool:
    if isinstance(node, dict):
        here = node.get("$ref") == f"{SCHEMAS}{name}"
        return here or any(_mentions(each, name) for each in node.values())
    return isinstance(node, list) and any(_mentions(each, name) for each in node)
