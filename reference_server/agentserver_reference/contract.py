"""The contract as objects: operations with security, roles and compiled validators."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import attrs
import jsonschema_rs

from agentserver_reference.domain.roles import ROLES, WORKSPACE_PARAMETERS, WORKSPACE_ROLES

if TYPE_CHECKING:
    from jsonschema_rs import KeywordValidator

Document = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "patch")
JSON = "application/json"
DOCUMENT_URI = "urn:agentserver:contract"
MASK = "***"


class ContractError(Exception):
    """The server cannot serve this contract. The text names the operation and the rule."""


class MaxBytes:
    """The keyword `x-max-bytes`: the maximum length of a string in bytes of UTF-8."""

    def __init__(self, parent_schema: Document, value: Any, schema_path: list[str | int]) -> None:
        self.limit = int(value)

    def validate(self, instance: Any) -> None:
        """Raise ValueError for a string that is too long."""
        if isinstance(instance, str) and len(instance.encode()) > self.limit:
            raise ValueError(f"must have at most {self.limit} bytes of UTF-8")


LazyValidator = Callable[[], jsonschema_rs.Validator]
"""Returns a validator, which is compiled when first needed: few servers validate responses."""

Shape = dict[str, "Shape"] | list["Shape"] | None
"""The documented fields of a schema: by name for an object, one entry for the items of a list."""


_KEYWORDS: dict[str, type[KeywordValidator]] = {"x-max-bytes": MaxBytes}


@attrs.frozen
class Body:
    """The JSON body of a request."""

    required: bool
    shape: Shape = attrs.field(repr=False)
    validator: jsonschema_rs.Validator = attrs.field(repr=False)
    examples: Mapping[str, str] = attrs.field(repr=False)
    """For each pattern of the contract, a text that matches it, for error messages."""
    has_ranges: bool = False
    """Whether a number that is only out of its range is answered 422."""


@attrs.frozen
class Parameter:
    """A query parameter, or a header of a request."""

    name: str
    required: bool
    type: str
    """`string`, `integer`, `number` or `boolean`; for an array, the type of its items."""
    validator: jsonschema_rs.Validator = attrs.field(repr=False)
    is_array: bool = False
    is_repeated: bool = False
    """For an array: every item is a parameter of its own (`explode`), not one text with commas."""


@attrs.frozen
class Header:
    """A header of a response."""

    required: bool
    validator: LazyValidator = attrs.field(repr=False)


@attrs.frozen
class DocumentedResponse:
    """A documented response: its headers by name, and its validators by media type."""

    headers: Mapping[str, Header]
    content: Mapping[str, LazyValidator] = attrs.field(repr=False)


@attrs.frozen
class Operation:
    """One operation of the contract."""

    id: str
    tag: str
    method: str
    path: str
    schemes: tuple[str, ...]
    """The alternative credentials, by their names in `securitySchemes`."""
    anonymous: bool
    """Whether calls without a credential are permitted."""
    role: str
    scope: str | None = None
    """The required scope, for kinds of credential that have scopes."""
    workspace_field: str | None = None
    """The field of body or query that names the workspace in which the role is required."""
    consumes: bool = False
    """Whether it changes state although it is a GET (`x-consumes`), so that HEAD is refused."""
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    body: Body | None = None
    responses: Mapping[int, DocumentedResponse] = attrs.field(factory=dict, repr=False)

    @property
    def is_websocket(self) -> bool:
        """Whether it is called as a WebSocket."""
        return 101 in self.responses


@attrs.frozen
class Contract:
    """The compiled contract."""

    document: Document = attrs.field(repr=False)
    operations: tuple[Operation, ...]


def load_document() -> Document:
    """Return the contract that is part of the package."""
    text = (files("agentserver_reference") / "openapi.json").read_text("utf-8")
    document: Document = json.loads(text)
    return document


@cache
def load_contract(*, closed: bool = False) -> Contract:
    """Return the compiled contract that is part of the package; see `compile_contract`."""
    return compile_contract(load_document(), closed=closed)


def compile_contract(document: Document, *, closed: bool = False) -> Contract:
    """Compile the contract, with the schemas of requests. Those of responses follow when needed.

    Arguments:
        document: the contract, an OpenAPI 3.1 document as plain objects.
        closed: reject undocumented fields in responses. The contract permits them, so that fields
            can be added; in tests, an undocumented field is a leak.

    Raises:
        ContractError: a schema is invalid, or a role or a kind of parameter is not supported.
    """
    compiler = _Compiler(document, closed=closed)
    operations = tuple(
        compiler.operation(method, path, item, node)
        for path, item in document["paths"].items()
        for method, node in item.items()
        if method in METHODS
    )
    return Contract(document, operations)


class _Compiler:
    def __init__(self, document: Document, *, closed: bool) -> None:
        self.document = document
        self._open = _Validators(document)
        self._examples: dict[str, str] = {}
        for pattern, example in _pattern_examples(document):
            self._examples.setdefault(pattern, example)
        self._of_responses = _Validators(_close(document)) if closed else self._open
        self._responses: dict[int, DocumentedResponse] = {}
        """By the identity of their description, which most operations share."""

    def operation(self, method: str, path: str, item: Document, node: Document) -> Operation:
        name = node.get("operationId", f"{method.upper()} {path}")
        role = node.get("x-required-role")
        if role not in ROLES:
            raise ContractError(f"{name}: x-required-role {role!r} is not one of {ROLES}")
        named = [each for each in WORKSPACE_PARAMETERS if f"{{{each}}}" in path]
        in_body = "x-workspace-field" in node
        if role in WORKSPACE_ROLES and not (named or in_body or self._takes_tokens_alone(node)):
            known = " or ".join(WORKSPACE_PARAMETERS)
            raise ContractError(f"{name}: requires {role}, and its path names no {known}")
        try:
            return Operation(
                id=node["operationId"],
                tag=node["tags"][0],
                method=method.upper(),
                path=path,
                **_security({**self.document, **node}.get("security", [])),
                role=role,
                scope=node.get("x-required-scope"),
                workspace_field=node.get("x-workspace-field"),
                consumes=node.get("x-consumes", False),
                query=tuple(self._parameters(item, node, "query")),
                headers=tuple(self._parameters(item, node, "header")),
                body=self._body(node),
                responses={
                    int(status): self._response(self._resolved(response))
                    for status, response in node["responses"].items()
                },
            )
        except (KeyError, ValueError, jsonschema_rs.ReferencingError) as error:
            raise ContractError(f"{name}: {error!r}") from error

    def _takes_tokens_alone(self, node: Document) -> bool:
        """Whether each credential is a bearer token, which may have been given for a workspace."""
        schemes = self.document.get("components", {}).get("securitySchemes", {})
        taken = [name for each in node.get("security", ()) for name in each]
        return bool(taken) and all(schemes[name]["type"] == "http" for name in taken)

    def _parameters(self, item: Document, node: Document, place: str) -> Iterator[Parameter]:
        """Return the parameters in one place; those of an operation override those of its path."""
        given = map(self._resolved, (*item.get("parameters", ()), *node.get("parameters", ())))
        found = {each["name"]: each for each in given if each["in"] == place}
        for name, parameter in found.items():
            schema = self._resolved(parameter["schema"])
            is_array = schema.get("type") == "array"
            items = self._resolved(schema["items"]) if is_array else schema
            style = parameter.get("style", "form" if place == "query" else "simple")
            if style not in ("form", "simple"):
                raise ValueError(f"parameter {name} has the unknown style {style}")
            yield Parameter(
                name=name,
                required=parameter.get("required", False),
                type=items.get("type", "string"),
                validator=self._open.of(parameter["schema"]),
                is_array=is_array,
                is_repeated=is_array and parameter.get("explode", style == "form"),
            )

    def _resolved(self, node: Document) -> Document:
        return _resolve(self.document, node)

    def _body(self, node: Document) -> Body | None:
        if "requestBody" not in node:
            return None
        body = self._resolved(node["requestBody"])
        schema = body["content"][JSON]["schema"]
        return Body(
            required=body.get("required", False),
            shape=self._shape(schema),
            validator=self._open.of(schema),
            examples=self._examples,
            has_ranges="422" in node["responses"],
        )

    def _shape(self, schema: Document) -> Shape:
        schema = self._resolved(schema)
        if "properties" in schema and "additionalProperties" not in schema:
            return {name: self._shape(field) for name, field in schema["properties"].items()}
        if "items" in schema:
            return [self._shape(schema["items"])]
        # The only choices in use are "this or null", so at most one branch has a shape.
        shapes = [self._shape(branch) for branch in schema.get("anyOf", ())]
        return next((shape for shape in shapes if shape is not None), None)

    def _response(self, response: Document) -> DocumentedResponse:
        if id(response) not in self._responses:
            self._responses[id(response)] = self._compiled(response)
        return self._responses[id(response)]

    def _compiled(self, response: Document) -> DocumentedResponse:
        return DocumentedResponse(
            headers={
                name: self._header(self._resolved(header))
                for name, header in response.get("headers", {}).items()
            },
            content={
                media_type: self._of_responses.lazily(media.get("schema", True))
                for media_type, media in response.get("content", {}).items()
            },
        )

    def _header(self, header: Document) -> Header:
        return Header(header.get("required", False), self._open.lazily(header["schema"]))


def _security(alternatives: list[Document]) -> dict[str, Any]:
    if any(len(alternative) > 1 for alternative in alternatives):
        raise ValueError("`security` asks for two credentials at once")
    schemes = tuple(scheme for alternative in alternatives for scheme in alternative)
    return {"schemes": schemes, "anonymous": not alternatives or {} in alternatives}


def _registry(document: Document) -> jsonschema_rs.Registry:
    # Of the whole document, it would keep a copy.
    schemas = {"components": {"schemas": document.get("components", {}).get("schemas", {})}}
    return jsonschema_rs.Registry([(DOCUMENT_URI, schemas)], draft=jsonschema_rs.Draft202012)


class _Validators:
    """The validators of a document's schemas, one for all that are equal: most of them are."""

    def __init__(self, document: Document) -> None:
        self._registry = _registry(document)
        self._made: dict[str, jsonschema_rs.Validator] = {}

    def of(self, schema: Any) -> jsonschema_rs.Validator:
        """Return the validator of a schema."""
        name = json.dumps(schema)
        if name not in self._made:
            self._made[name] = jsonschema_rs.Draft202012Validator(
                _absolute(schema),
                registry=self._registry,
                validate_formats=True,
                offline=True,
                mask=MASK,
                keywords=_KEYWORDS,
            )
        return self._made[name]

    def lazily(self, schema: Any) -> LazyValidator:
        """Return what makes the validator of a schema, once."""
        return cache(lambda: self.of(schema))


def _absolute(node: Any) -> Any:
    """Return a copy of the schema, with references into the registered document."""
    if isinstance(node, dict):
        return {
            key: DOCUMENT_URI + value
            if key == "$ref" and isinstance(value, str) and value.startswith("#")
            else _absolute(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_absolute(item) for item in node]
    return node


def _close(node: Any) -> Any:
    """Return a copy in which object schemas with properties permit no other properties."""
    if isinstance(node, list):
        return [_close(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _close(value) for key, value in node.items()}
    if isinstance(node.get("properties"), dict) and "additionalProperties" not in node:
        closed["unevaluatedProperties"] = False
    return closed


def _pattern_examples(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict) and isinstance(node.get("pattern"), str) and node.get("examples"):
        yield node["pattern"], str(node["examples"][0])
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _pattern_examples(child)


def _resolve(document: Document, node: Document) -> Document:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node
