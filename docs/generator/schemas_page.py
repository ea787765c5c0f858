"""The page of the schemas: every component with its fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import wording
from examples import SCHEMAS, example_of
from layout import block, code, flat, label, paragraphs, table
from tag_page import place

from agentserver_contract.contract.document import Contract, Operation


def page(contract: Contract) -> str:
    """Write the page."""
    return paragraphs(
        "# Schemas",
        "The JSON in request and response bodies. Optional fields may be missing; nullable fields "
        "may be null.",
        *(_schema(contract, name, schema) for name, schema in contract.schemas.items()),
    )


def _schema(contract: Contract, name: str, schema: Mapping[str, Any]) -> str:
    example = example_of(contract, name)
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


def _value(schema: Mapping[str, Any]) -> str:
    """The type and bounds of a schema that is not an object."""
    if "properties" in schema:
        return ""
    kind = wording.type_of(schema)
    return f"{kind[0].upper()}{kind[1:]}. {wording.bounds(schema)}"


def _field(contract: Contract, schema: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    field: Any = schema["properties"][name]
    found = contract.resolved(field)
    need = "required" if name in schema.get("required", []) else "optional"
    null = ", nullable" if wording.nullable(found) else ""
    bounds = "" if "$ref" in field else wording.bounds(found)
    examples = ", ".join(code(str(each)) for each in found.get("examples", []))
    described = f"{found.get('description', '')} {bounds}"
    return (
        f"{code(name)} <small>{need}{null}</small>",
        wording.type_of(field),
        flat(f"{described} Example: {examples}." if examples else described),
    )


def _uses(contract: Contract, name: str) -> str:
    used = ", ".join(_users(contract, name))
    return f"Used by {used}." if used else ""


def _users(contract: Contract, name: str) -> Iterator[str]:
    for other, schema in contract.schemas.items():
        if other != name and _mentions(schema, name):
            yield f"[{code(other)}](#{other})"
    for operation in contract.operations.values():
        if any(_mentions(each, name) for each in _schemas_of(operation)):
            yield f"[{code(operation.id)}]({place(operation)})"


def _schemas_of(operation: Operation) -> Iterator[Any]:
    """The schemas of what is sent, and of what comes back where it was done."""
    returned = [media for each in operation.successes for media in each.content.values()]
    sent = [operation.body, *(each.schema for each in returned)]
    yield from (schema.value for schema in sent if schema is not None)


def _mentions(node: Any, name: str) -> bool:
    if isinstance(node, dict):
        here = node.get("$ref") == f"{SCHEMAS}{name}"
        return here or any(_mentions(each, name) for each in node.values())
    return isinstance(node, list) and any(_mentions(each, name) for each in node)
