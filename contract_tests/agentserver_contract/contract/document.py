"""The contract as objects: operations, their parameters, bodies and answers, schema validators."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
JSON = "application/json"
TEXT = "text/plain"
_BASE = "urn:agentserver:contract"
_PATH_PARAMETER = re.compile(r"\{([^{}]+)\}")


class ContractError(ValueError):
    """The contract cannot be read or points at something that it does not hold."""


@dataclass(frozen=True)
class Located:
    """A piece of the contract and the JSON pointer at which it stands."""

    pointer: str
    value: Any

    def child(self, *names: str | int) -> Located:
        """The piece below, by key or index; the reference that may stand there is not followed."""
        value, pointer = self.value, self.pointer
        for name in names:
            value, pointer = value[name], f"{pointer}/{escape(str(name))}"
        return Located(pointer, value)


@dataclass(frozen=True)
class Header:
    """One documented header of an answer."""

    required: bool
    schema: Located | None


@dataclass(frozen=True)
class Response:
    """One documented answer of an operation."""

    status: int
    content: Mapping[str, Located | None]
    """Media type to schema; None where a media type has no schema."""
    headers: Mapping[str, Header]


@dataclass(frozen=True)
class Operation:
    """One operation. `raw` is the object in the file, everything else is read from it once."""

    id: str
    method: str
    path: str
    pointer: str
    raw: Mapping[str, Any]
    parameters: tuple[Located, ...]
    body: Located | None
    """The JSON schema of the request body."""
    body_required: bool
    responses: Mapping[int, Response]
    security: tuple[frozenset[str], ...]
    """The alternatives, each the names of the schemes it takes; an empty one lets anybody in."""

    @property
    def secured(self) -> bool:
        """Whether a credential is needed."""
        return bool(self.security) and all(self.security)

    @property
    def required_role(self) -> str | None:
        role = self.raw.get("x-required-role")
        return role if isinstance(role, str) else None

    @property
    def path_parameters(self) -> tuple[str, ...]:
        return tuple(_PATH_PARAMETER.findall(self.path))

    @cached_property
    def path_pattern(self) -> re.Pattern[str]:
        """Matches the raw (still percent-encoded) paths of this operation."""
        fixed = _PATH_PARAMETER.split(self.path)[::2]
        return re.compile("([^/]*)".join(re.escape(part) for part in fixed))

    def __str__(self) -> str:
        return f"{self.id} ({self.method} {self.path})"


class Contract:
    """An OpenAPI 3.1 document that is complete in itself."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._registry = jsonschema_rs.Registry([(_BASE, dict(document))])
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def __repr__(self) -> str:
        version = self.document.get("info", {}).get("version")
        return f"<Contract {version}: {len(self.operations)} operations>"

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """Operations by operationId, in the order of the file."""
        return {operation.id: operation for operation in self._operations()}

    @property
    def schemas(self) -> Mapping[str, Any]:
        """The named schemas."""
        schemas: Mapping[str, Any] = self.document.get("components", {}).get("schemas", {})
        return schemas

    def operation_at(self, method: str, path: str) -> Operation | None:
        """The operation that a raw path is of; concrete paths go before templates."""
        matching = [
            operation
            for operation in self.operations.values()
            if operation.method == method and operation.path_pattern.fullmatch(path)
        ]
        return min(matching, key=lambda each: len(each.path_parameters), default=None)

    def locate(self, pointer: str) -> Located:
        """The piece at a JSON pointer such as `/components/schemas/Workspace`.

        Raises ContractError when nothing stands there.
        """
        piece = Located("", self.document)
        for name in pointer.split("/")[1:]:
            key = name.replace("~1", "/").replace("~0", "~")
            try:
                piece = piece.child(int(key) if isinstance(piece.value, list) else key)
            except (KeyError, IndexError, ValueError, TypeError):
                raise ContractError(f"nothing stands at #{pointer} (no {name!r})") from None
        return piece

    def follow(self, piece: Located) -> Located:
        """The piece itself, or what it refers to; a `description` beside the reference is kept."""
        seen = set()
        while isinstance(piece.value, Mapping) and isinstance(piece.value.get("$ref"), str):
            reference = piece.value["$ref"]
            if not reference.startswith("#") or reference in seen:
                raise ContractError(f"{piece.pointer}: {reference} is outside the file or circular")
            seen.add(reference)
            target = self.locate(reference[1:])
            beside = {key: value for key, value in piece.value.items() if key != "$ref"}
            merged = {**target.value, **beside} if beside else target.value
            piece = Located(target.pointer, merged)
        return piece

    def validator(self, schema: Located) -> jsonschema_rs.Draft202012Validator:
        """The compiled validator of the schema at this place, formats asserted, no network."""
        validator = self._validators.get(schema.pointer)
        if validator is None:
            # Braces of path templates may not stand in a URI.
            fragment = quote(schema.pointer, safe="/~")
            validator = jsonschema_rs.Draft202012Validator(
                {"$ref": f"{_BASE}#{fragment}"},
                registry=self._registry,
                validate_formats=True,
                offline=True,
                keywords={"x-max-bytes": _MaxBytes},
            )
            self._validators[schema.pointer] = validator
        return validator

    def walk(self) -> Iterator[Located]:
        """Every object of the document, from the root down."""
        waiting = [Located("", self.document)]
        while waiting:
            piece = waiting.pop()
            if isinstance(piece.value, Mapping):
                yield piece
                waiting.extend(piece.child(key) for key in reversed(list(piece.value)))
            elif isinstance(piece.value, list):
                waiting.extend(piece.child(index) for index in reversed(range(len(piece.value))))

    def schema_walk(self, schema: Located) -> Iterator[Located]:
        """A schema and every schema that it holds or refers to, each place once."""
        waiting, seen = [schema], set()
        while waiting:
            piece = waiting.pop()
            if piece.pointer in seen or not isinstance(piece.value, Mapping):
                continue
            seen.add(piece.pointer)
            yield piece
            if "$ref" in piece.value:
                waiting.append(self.locate(str(piece.value["$ref"])[1:]))
            waiting.extend(_subschemas(piece))

    def _operations(self) -> Iterator[Operation]:
        paths = Located("", self.document).child("paths")
        for path in paths.value:
            item = self.follow(paths.child(path))
            shared = [
                item.child("parameters", i) for i in range(len(item.value.get("parameters", [])))
            ]
            for method in METHODS:
                if method in item.value:
                    yield self._operation(path, method, item.child(method), shared)

    def _operation(
        self, path: str, method: str, piece: Located, shared: list[Located]
    ) -> Operation:
        raw = piece.value
        own = [piece.child("parameters", i) for i in range(len(raw.get("parameters", [])))]
        parameters: dict[tuple[str, str], Located] = {}
        for parameter in map(self.follow, [*shared, *own]):
            parameters[parameter.value["in"], parameter.value["name"]] = parameter
        body = self.follow(piece.child("requestBody")) if "requestBody" in raw else None
        schema = None
        if body is not None and "schema" in body.value.get("content", {}).get(JSON, {}):
            schema = body.child("content", JSON, "schema")
        security = raw.get("security", self.document.get("security", []))
        return Operation(
            id=str(raw.get("operationId", f"{method} {path}")),
            method=method.upper(),
            path=path,
            pointer=piece.pointer,
            raw=raw,
            parameters=tuple(parameters.values()),
            body=schema,
            body_required=bool(body is not None and body.value.get("required", False)),
            responses={
                int(status): self._response(int(status), piece.child("responses", status))
                for status in raw.get("responses", {})
                if str(status).isdigit()
            },
            security=tuple(frozenset(alternative) for alternative in security),
        )

    def _response(self, status: int, piece: Located) -> Response:
        response = self.follow(piece)
        content: dict[str, Located | None] = {}
        for media_type, media in response.value.get("content", {}).items():
            schema = response.child("content", media_type, "schema") if "schema" in media else None
            content[media_type] = schema
        headers: dict[str, Header] = {}
        for name in response.value.get("headers", {}):
            header = self.follow(response.child("headers", name))
            schema = header.child("schema") if "schema" in header.value else None
            headers[name] = Header(bool(header.value.get("required", False)), schema)
        return Response(status, content, headers)


class _MaxBytes:
    """The keyword `x-max-bytes`: how long a string may be in UTF-8."""

    def __init__(
        self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]
    ) -> None:
        self._limit = int(value)

    def validate(self, instance: Any) -> None:
        """Raises ValueError when a string is too long."""
        if isinstance(instance, str) and len(instance.encode("utf-8", "replace")) > self._limit:
            raise ValueError(f"longer than {self._limit} bytes")


def load(path: Path | None = None) -> Contract:
    """The contract at `path` (JSON or YAML), without one the copy in the server's package.

    Raises ContractError when there is none or when it is no object.
    """
    return Contract(read(path or installed()))


def installed() -> Path:
    """Where the installed server keeps the contract; its package is not imported."""
    found = importlib.util.find_spec("agentserver_reference")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / "openapi.json"
        if path.is_file():
            return path
    raise ContractError(
        "no contract is installed: give the path of an openapi.json or openapi.yaml"
    )


def read(path: Path) -> Mapping[str, Any]:
    """The document in a JSON or YAML file."""
    try:
        return parse(path.read_text(encoding="utf-8"), json_text=path.suffix == ".json")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"{path}: cannot be read: {error}") from None
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from None


def parse(text: str, *, json_text: bool = False) -> Mapping[str, Any]:
    """The document in a text, YAML unless said otherwise.

    YAML timestamps stay text: JSON has none, and a contract must mean the same in both.
    """
    if json_text:
        try:
            document = json.loads(text)
        except ValueError as error:
            raise ContractError(f"not JSON: {error}") from None
    else:
        import yaml

        class Loader(yaml.SafeLoader):
            """A safe loader without timestamps."""

        Loader.yaml_implicit_resolvers = {
            first: [(tag, regexp) for tag, regexp in known if not tag.endswith(":timestamp")]
            for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }
        try:
            document = yaml.load(text, Loader=Loader)  # noqa: S506 - it is a safe one
        except yaml.YAMLError as error:
            raise ContractError(f"not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, Mapping) or "paths" not in document:
        raise ContractError("not an OpenAPI document: it has no `paths`")
    return document


def escape(name: str) -> str:
    """A key as it stands in a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


_ONE = ("items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else")
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs")


def _subschemas(schema: Located) -> Iterator[Located]:
    for keyword in _ONE:
        if keyword in schema.value:
            yield schema.child(keyword)
    for keyword in _MANY:
        for index in range(len(schema.value.get(keyword, []))):
            yield schema.child(keyword, index)
    for keyword in _NAMED:
        for name in schema.value.get(keyword, {}):
            yield schema.child(keyword, name)
