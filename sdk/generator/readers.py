"""How an attribute of a model is read from the JSON of an answer: one expression of Python.

The expression is made for JSON as the contract has it. For any other, it either gives what the
model's table of fields would, or raises `KeyError`, `TypeError` or `ValueError`, after which the
model is read by that table.
"""

from __future__ import annotations

from openapi_python_client import strings
from schemas import Resolved, Schema, Schemas

# Read as they are, and so is a value of a wrong type in their place.
_AS_THEY_ARE = frozenset({"anything", "boolean", "number", "string"})


def reader(schemas: Schemas, schema: Schema, name: str, *, required: bool, index: int) -> str:
    """Write the expression that reads a field of the object `value`.

    Args:
        schemas: The schemas of the contract.
        schema: The field's.
        name: What it is called in JSON.
        required: Whether the contract promises it.
        index: Its place in the model's table of fields.
    """
    found = schemas.resolve(schema)
    source = f"value[{name!r}]" if required else f"value.get({name!r})"
    items = schemas.resolve(found.schema["items"]) if found.kind == "array" else None
    if items and (items.kind in _AS_THEY_ARE or items.kind in ("enum", "object")):
        return _array(schemas, items, source, _where_no_list(found, name, required=required))
    if found.kind in _AS_THEY_ARE:
        return source
    match found.kind:
        case "enum":
            return f"{constant(schemas.class_of(found))}[{source}]"
        case "object":
            return f"models.{schemas.class_of(found)}._read({source})"
        case "integer":
            return f"it if type(it := {source}) is int else as_integer(it)"
        case "date-time" if required and not found.nullable:
            return f"time if (time := parse_time({source})).tzinfo else {source}"
        case "date-time":
            time = "time if (time := parse_time(it)).tzinfo else it"
            return f"None if (it := {source}) is None else ({time})"
    by_table = f"cls.FIELDS[{index}].schema.read(value[{name!r}])"
    return by_table if required else f"{by_table} if {name!r} in value else None"


def constant(enum: str) -> str:
    """Name the mapping that reads the values of an enum, for the class of that name."""
    return f"_{strings.snake_case(enum).upper()}"


def enums(schemas: Schemas, schema: Schema) -> set[str]:
    """Name the enums that the expression reads itself."""
    found = schemas.resolve(schema)
    if found.kind == "array":
        found = schemas.resolve(found.schema["items"])
    return {schemas.class_of(found)} if found.kind == "enum" else set()


def _array(schemas: Schemas, items: Resolved, source: str, other: str) -> str:
    match items.kind:
        case "enum":
            read = f"[{constant(schemas.class_of(items))}[item] for item in it]"
        case "object":
            read = f"list(map(models.{schemas.class_of(items)}._read, it))"
        case _:
            read = "[*it]"
    return f"{read} if isinstance(it := {source}, list) else ({other})"


def _where_no_list(found: Resolved, name: str, *, required: bool) -> str:
    # Null, where the contract has a list, is what some servers write for an empty one.
    if found.nullable:
        return "it"
    return (
        "[] if it is None else it"
        if required
        else f"[] if it is None and {name!r} in value else it"
    )
