"""What a schema of the contract becomes: an expression for the decoder, a type, a line of prose.

A keyword that the decoder cannot check is an error, which names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openapi_python_client import strings

from agentserver_contract.contract.document import Contract
from agentserver_contract.contract.source import ContractError

Schema = Mapping[str, Any]

# Keywords for people and for other tools, which say nothing about which values are valid.
_ANNOTATIONS = frozenset(
    {"description", "title", "example", "examples", "deprecated", "readOnly", "writeOnly"}
)
_FORMATS = {
    "string": {"date-time", "email", "password", "uri", "uuid"},
    "integer": {"int32", "int64"},
    "number": {"double", "float"},
}
# By type: the keywords that `_schema.py` knows, by the same names in snake case.
_NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_LIMITS = {
    "string": ("minLength", "maxLength", "pattern", "const"),
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "boolean": ("const",),
    "array": ("minItems", "maxItems"),
}
_SCALARS = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}


@dataclass(frozen=True)
class Resolved:
    """A schema with its references followed and its nullability split off."""

    schema: Schema
    nullable: bool
    component: str | None
    """The name under `components/schemas`, which names the class of an object or an enum."""

    @property
    def kind(self) -> str:
        """What it is: a JSON type, or `enum`, `date-time`, `map`, `anything`."""
        schema = self.schema
        if "enum" in schema:
            return "enum"
        if "const" in schema:
            return "boolean" if isinstance(schema["const"], bool) else "string"
        if schema.get("format") == "date-time":
            return "date-time"
        if schema.get("type") == "object" and "properties" not in schema:
            return "map"
        return str(schema.get("type", "anything"))


class Schemas:
    """The schemas of one contract.

    Args:
        contract: The contract.
        class_name: Names the class of a component.
    """

    def __init__(self, contract: Contract, class_name: Any) -> None:
        self._contract = contract
        self._class_name = class_name

    def resolve(self, schema: Schema) -> Resolved:
        """Follow references and take nullability apart."""
        component = _component(schema)
        plain = dict(self._contract.resolved(schema))
        nullable = False
        for keyword in ("anyOf", "oneOf"):
            if keyword not in plain:
                continue
            members = plain.pop(keyword)
            others = [member for member in members if member.get("type") != "null"]
            if len(others) != 1:
                raise ContractError(f"{keyword} of {len(others)} types is not known: {members}")
            inner = self.resolve(others[0])
            return Resolved(
                {**inner.schema, **plain},
                len(others) < len(members) or inner.nullable,
                inner.component,
            )
        kinds = plain.get("type")
        if isinstance(kinds, list):
            others = [kind for kind in kinds if kind != "null"]
            if len(others) != 1:
                raise ContractError(f"type: {kinds} is not known")
            plain["type"], nullable = others[0], "null" in kinds
        return Resolved(plain, nullable, component)

    def class_of(self, resolved: Resolved) -> str:
        """Name the class of an object or an enum."""
        if resolved.component is None:
            raise ContractError(
                f"an object or enum must stand under components/schemas: {dict(resolved.schema)}"
            )
        return str(self._class_name(resolved.component))

    # --- what becomes of a schema ---

    def expression(self, schema: Schema) -> str:
        """Write the schema for the decoder: `String(min_length=1, nullable=True)`."""
        found = self.resolve(schema)
        _refuse_unknown(found)
        arguments = self._keyword_arguments(found)
        if found.nullable:
            arguments.append("nullable=True")
        name = "".join(word.capitalize() for word in found.kind.split("-"))
        return f"{name}({', '.join(arguments)})"

    def _keyword_arguments(self, found: Resolved) -> list[str]:
        schema = found.schema
        limits = [
            f"{strings.snake_case(keyword)}={_literal(keyword, schema[keyword])}"
            for keyword in _LIMITS.get(found.kind, ())
            if keyword in schema
        ]
        match found.kind:
            case "enum" | "object":
                return [f"lambda: models.{self.class_of(found)}"]
            case "array":
                return [self.expression(schema["items"]), *limits]
            case "map":
                return [self.expression(_values(schema))]
        return limits

    def annotation(self, schema: Schema) -> str:
        """Write the type of an attribute of a model."""
        found = self.resolve(schema)
        match found.kind:
            case "enum" | "object":
                plain = self.class_of(found)
            case "array":
                plain = f"list[{self.annotation(found.schema['items'])}]"
            case "map":
                plain = f"dict[str, {self.annotation(_values(found.schema))}]"
            case "date-time":
                plain = "datetime"
            case "anything":
                return "Any"
            case kind:
                plain = _SCALARS[kind]
        return f"{plain} | None" if found.nullable else plain

    def argument(self, schema: Schema) -> str:
        """Write the type of an argument: everything that can be sent as the schema says."""
        found = self.resolve(schema)
        match found.kind:
            case "enum":
                plain = f"Literal{list(found.schema['enum'])!r} | {self.class_of(found)}"
            case "object":
                plain = f"{self.class_of(found)} | {typed_dict(self.class_of(found))}"
            case "array":
                plain = f"Sequence[{self.argument(found.schema['items'])}]"
            case "map":
                plain = f"Mapping[str, {self.argument(_values(found.schema))}]"
            case "date-time":
                plain = "datetime"
            case "anything":
                return "Any"
            case kind:
                plain = _SCALARS[kind]
        if is_secret(found.schema):
            plain = f"{plain} | Secret"
        return f"{plain} | None" if found.nullable else plain

    def classes(self, schema: Schema) -> Iterator[str]:
        """Name the class of each enum and object in the schema, at any depth."""
        return map(self.class_of, self.enums_and_objects(schema))

    def enums_and_objects(self, schema: Schema) -> Iterator[Resolved]:
        """Return each enum and object in the schema once, at any depth."""
        seen: set[str] = set()
        waiting = [schema]
        while waiting:
            found = self.resolve(waiting.pop())
            if found.kind in ("enum", "object"):
                name = self.class_of(found)
                if name in seen:
                    continue
                seen.add(name)
                yield found
            waiting += found.schema.get("properties", {}).values()
            if found.kind == "array":
                waiting.append(found.schema["items"])
            if found.kind == "map":
                waiting.append(_values(found.schema))

    def bounds(self, schema: Schema) -> str:
        """Say in words which values are allowed: `1 to 255 characters`."""
        found = self.resolve(schema)
        limits, kind = found.schema, found.kind
        if kind == "enum":
            return f"One of {', '.join(f'`{value}`' for value in limits['enum'])}."
        if kind == "string":
            return _range(limits.get("minLength"), limits.get("maxLength"), "characters")
        if kind == "array":
            return _range(limits.get("minItems"), limits.get("maxItems"), "items")
        if kind in ("integer", "number"):
            return _range(limits.get("minimum"), limits.get("maximum"), "")
        return ""


def typed_dict(class_name: str) -> str:
    """Name the class of the dictionaries that an argument takes in place of a model."""
    return f"{class_name}Dict"


def is_secret(schema: Schema) -> bool:
    """Return whether values of the schema must not be shown."""
    return schema.get("format") == "password" or schema.get("writeOnly") is True


def _component(schema: Schema) -> str | None:
    reference = str(schema.get("$ref", ""))
    prefix = "#/components/schemas/"
    return reference.removeprefix(prefix) if reference.startswith(prefix) else None


def _values(schema: Schema) -> Schema:
    values = schema.get("additionalProperties", True)
    return values if isinstance(values, Mapping) else {}


def _literal(keyword: str, value: Any) -> str:
    if keyword == "pattern":
        # ECMA's `$` allows nothing after it, as Python's `\Z`; Python's own allows a line feed.
        if value.endswith("$") and not value.endswith(r"\$"):
            value = value[:-1] + r"\Z"
        re.compile(value)
    return repr(value)


def _range(least: float | None, most: float | None, unit: str) -> str:
    unit = f" {unit}" if unit else ""
    if least and most is not None:
        return f"{least:,} to {most:,}{unit}."
    if most is not None:
        return f"At most {most:,}{unit}." if least is None or unit else f"{least:,} to {most:,}."
    return f"At least {least:,}{unit}." if least else ""


def _refuse_unknown(found: Resolved) -> None:
    schema = found.schema
    kind = str(schema.get("type", ""))
    known = _ANNOTATIONS | {"type", "format", "enum", "const"} | set(_LIMITS.get(found.kind, ()))
    known |= {"array": {"items"}, "object": {"properties", "required", "additionalProperties"}}.get(
        kind, set()
    )
    unknown = sorted(key for key in schema if key not in known and not key.startswith("x-"))
    if unknown:
        raise ContractError(f"the decoder does not know {', '.join(unknown)}: {dict(schema)}")
    form = schema.get("format")
    if form is not None and form not in _FORMATS.get(kind, set()):
        raise ContractError(f"the decoder does not know the format {form} of a {kind}")
