"""The contract as objects: operations, their parameters, bodies and responses, validators."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from agentserver_contract.contract import source
from agentserver_contract.contract.roles import WORKSPACE_ROLES
from agentserver_contract.contract.source import ContractError

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
JSON = "application/json"
TEXT = "text/plain"
_BASE = "urn:agentserver:contract"
_REMEMBERED_PATHS = 1000
_IF_OMITTED = re.compile(r"(?:`(?P<text>[^`]+)`|\b(?P<value>[0-9]+|true|false)) if omitted\b")
_PATH_PARAMETER = re.compile(r"\{([^{}]+)\}")


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
    """One documented header of a response."""

    required: bool
    schema: Located | None
    piece: Located
    """The object in the file."""


@dataclass(frozen=True)
class MediaType:
    """One form in which a body is sent."""

    schema: Located | None
    examples: Mapping[str, Any]
    """Values by their summaries; one that has none is called `Example`."""


@dataclass(frozen=True)
class Response:
    """One documented response of an operation."""

    status: int
    description: str
    content: Mapping[str, MediaType]
    """By media type; empty where the response has no body."""
    headers: Mapping[str, Header]
    links: Mapping[str, Any]

    @property
    def is_error(self) -> bool:
        """Whether it says that the call did not do what was asked."""
        return self.status >= 400

    def schema(self, media_type: str | None) -> Located | None:
        """The schema of a body of this media type, if the response has one."""
        found = self.content.get(media_type) if media_type is not None else None
        return found.schema if found is not None else None


@dataclass(frozen=True)
class Argument:
    """What a caller gives: a parameter, or a field of the JSON body; references are followed."""

    name: str
    place: str
    """`path`, `query`, `header`, `cookie`, or `body`."""
    required: bool
    schema: Located | None
    description: str
    """Empty where nothing is said."""
    example: Any
    """None where the contract gives none."""
    piece: Located
    """The object in the file: a parameter's own, or the schema of a field."""

    @property
    def value_if_omitted(self) -> str | int | bool | None:
        """What counts if it is left out, where its description says so: `text` if omitted, or 5 if
        omitted. None where it says something else, or nothing."""
        found = _IF_OMITTED.search(" ".join(self.description.split()))
        if found is None:
            return None
        value: int | bool = json.loads(found["value"] or "0")
        return found["text"] or value


@dataclass(frozen=True)
class RequestBody:
    """What an operation reads beside its parameters."""

    required: bool
    content: Mapping[str, MediaType]
    """By media type."""


@dataclass(frozen=True)
class Operation:
    """One operation. `raw` is the object in the file, everything else is read from it once."""

    id: str
    method: str
    path: str
    pointer: str
    raw: Mapping[str, Any]
    parameters: tuple[Argument, ...]
    """Its own and those of its path, in the order of the file."""
    fields: tuple[Argument, ...]
    """The fields of its JSON body."""
    request_body: RequestBody | None
    responses: Mapping[int, Response]
    security: tuple[frozenset[str], ...]
    """The alternatives, each the names of the schemes that it takes together; where one of them is
    empty, no credential is needed."""

    @property
    def tag(self) -> str:
        """The first of its tags; empty where it has none."""
        return str(next(iter(self.raw.get("tags") or ()), ""))

    @property
    def sdk(self) -> str:
        """Where it stands on a client, as in `workspaces.create`; empty where nothing says so."""
        return str(self.raw.get("x-sdk") or "")

    @property
    def summary(self) -> str:
        """What it does, in one line; empty where nothing is said."""
        return str(self.raw.get("summary") or "").strip()

    @property
    def description(self) -> str:
        """What a caller needs to know; empty where nothing is said."""
        return str(self.raw.get("description") or "").strip()

    @property
    def required_role(self) -> str | None:
        """The role that a caller needs; None where nothing is said."""
        role = self.raw.get("x-required-role")
        return role if isinstance(role, str) else None

    @property
    def required_scope(self) -> str | None:
        """The scope that a token needs; None where it needs none."""
        scope = self.raw.get("x-required-scope")
        return scope if isinstance(scope, str) else None

    @property
    def workspace_field(self) -> str | None:
        """The field of the body or of the query that names the workspace in which its role is
        required, and is then read before the role is checked. None where the path names it."""
        name = self.raw.get("x-workspace-field")
        return name if isinstance(name, str) else None

    @property
    def role_is_of_thing(self) -> bool:
        """Whether its role is required in the workspace of a thing in its path.

        Where that is unknown, so is the role: 404 comes before the body then.
        """
        needs_role = self.required_role in WORKSPACE_ROLES
        is_named = "workspace_id" in self.path_parameters or self.workspace_field is not None
        return needs_role and not is_named

    @property
    def workspace_in(self) -> str:
        """Whether the `query` or the `body` has that field; empty where neither does."""
        named = (each.place for each in self.arguments if each.name == self.workspace_field)
        return next(named, "")

    @property
    def is_global(self) -> bool:
        """Whether it is about the whole installation: for administrators, and about no one id."""
        return self.required_role == "admin" and not self.path_parameters

    @property
    def is_deprecated(self) -> bool:
        """Whether a later version will go without it."""
        return self.raw.get("deprecated") is True

    @property
    def consumes(self) -> bool:
        """Whether it changes state although its method is GET."""
        return self.raw.get("x-consumes") is True

    @property
    def is_read(self) -> bool:
        """Whether a call changes nothing."""
        return self.method == "GET" and not self.consumes

    @property
    def is_secured(self) -> bool:
        """Whether a credential is needed."""
        return bool(self.security) and all(self.security)

    @property
    def schemes(self) -> tuple[str, ...]:
        """The names of the security schemes that it takes."""
        return tuple(name for alternative in self.security for name in sorted(alternative))

    @property
    def body(self) -> Located | None:
        """The schema of its JSON body; None where it reads none."""
        media = self.request_body.content.get(JSON) if self.request_body else None
        return media.schema if media is not None else None

    @cached_property
    def body_example(self) -> Any:
        """The first example of its JSON body; None where it reads none."""
        media = self.request_body.content.get(JSON) if self.request_body else None
        return next(iter(media.examples.values()), None) if media is not None else None

    @property
    def body_required(self) -> bool:
        """Whether a request without a body is refused."""
        return self.request_body is not None and self.request_body.required

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Everything that a caller gives."""
        return self.parameters + self.fields

    @property
    def successes(self) -> tuple[Response, ...]:
        """The responses that say that the call did what was asked."""
        return tuple(each for each in self.responses.values() if not each.is_error)

    @property
    def success(self) -> Response:
        """The first of them.

        Raises:
            ContractError: There is none.
        """
        for response in self.successes:
            return response
        raise ContractError(f"{self}: no response says that it was done")

    def is_success(self, status: int) -> bool:
        """Whether a status says that the call did what was asked: a 2xx, a documented redirect."""
        return 200 <= status < 300 or any(each.status == status for each in self.successes)

    @property
    def errors(self) -> tuple[Response, ...]:
        """The other responses."""
        return tuple(each for each in self.responses.values() if each.is_error)

    @cached_property
    def path_parameters(self) -> tuple[str, ...]:
        """The names in the template of its path, in order."""
        return tuple(_PATH_PARAMETER.findall(self.path))

    @cached_property
    def path_pattern(self) -> re.Pattern[str]:
        """Matches the raw (still percent-encoded) paths of this operation."""
        fixed = _PATH_PARAMETER.split(self.path)[::2]
        return re.compile("([^/]*)".join(re.escape(part) for part in fixed))

    def parameters_in(self, place: str) -> tuple[Argument, ...]:
        """Its parameters in the `path`, the `query`, a `header` or a `cookie`."""
        return tuple(parameter for parameter in self.parameters if parameter.place == place)

    def __str__(self) -> str:
        return f"{self.id} ({self.method} {self.path})"


class Contract:
    """An OpenAPI 3.1 document that is complete in itself."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._registry = jsonschema_rs.Registry([(_BASE, dict(document))])
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self._operations_at: dict[str, list[Operation]] = {}
        self._located: dict[str, Located] = {}

    def __repr__(self) -> str:
        version = self.document.get("info", {}).get("version")
        return f"<Contract {version}: {len(self.operations)} operations>"

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """Operations by operationId: paths in the order of the file, methods in that of METHODS."""
        return {operation.id: operation for operation in self._operations()}

    @cached_property
    def operations_by_sdk(self) -> Mapping[str, Operation]:
        """Operations by their place on a client, as in `workspaces.create`."""
        return {operation.sdk: operation for operation in self.operations.values()}

    @cached_property
    def path_parameters(self) -> frozenset[str]:
        """The names of all parameters in paths: of the kinds of things that it has."""
        return frozenset(name for each in self.operations.values() for name in each.path_parameters)

    @cached_property
    def passing_states(self) -> Mapping[str, frozenset[str]]:
        """The states of things that end by themselves, by the field that shows them."""
        found: dict[str, frozenset[str]] = {}
        for operation in self.operations.values():
            said = operation.raw.get("x-sdk-wait", {})
            if "field" in said:
                name = str(said["field"])
                found[name] = found.get(name, frozenset()) | frozenset(said["passing"])
        return found

    @property
    def tags(self) -> Mapping[str, str]:
        """The description of each tag, by its name, in the order of the file."""
        return {tag["name"]: tag.get("description", "") for tag in self.document.get("tags", [])}

    @property
    def schemas(self) -> Mapping[str, Any]:
        """The named schemas."""
        return self.components("schemas")

    def components(self, kind: str) -> Mapping[str, Any]:
        """The named components of a kind, such as `headers` or `securitySchemes`."""
        components: Mapping[str, Any] = self.document.get("components", {}).get(kind, {})
        return components

    def operation_at(self, method: str, path: str) -> Operation | None:
        """The operation of a request to a raw path; None where the path lacks the method."""
        return next((each for each in self.operations_at(path) if each.method == method), None)

    def operations_at(self, path: str) -> list[Operation]:
        """The operations of the path that a raw path is of; concrete paths go before templates.

        No id is empty, and a dot or two in the place of one lead elsewhere.
        """
        found = self._operations_at.get(path)
        if found is None:
            found = self._matching(path)
            if len(self._operations_at) >= _REMEMBERED_PATHS:
                self._operations_at.clear()
            self._operations_at[path] = found
        return found

    @cached_property
    def _operations_by_depth(self) -> dict[int, list[Operation]]:
        """The operations by the number of slashes in their paths: no id in a path has one."""
        found: dict[int, list[Operation]] = {}
        for operation in self.operations.values():
            found.setdefault(operation.path.count("/"), []).append(operation)
        return found

    def _matching(self, path: str) -> list[Operation]:
        matching = [
            operation
            for operation in self._operations_by_depth.get(path.count("/"), ())
            if (found := operation.path_pattern.fullmatch(path))
            and not any(part in ("", ".", "..") for part in found.groups())
        ]
        fewest = min((len(each.path_parameters) for each in matching), default=0)
        return [each for each in matching if len(each.path_parameters) == fewest]

    def locate(self, pointer: str) -> Located:
        """The piece at a JSON pointer such as `/components/schemas/Workspace`.

        Raises:
            ContractError: Nothing stands there.
        """
        known = self._located.get(pointer)
        if known is not None:
            return known
        piece = Located("", self.document)
        for name in pointer.split("/")[1:]:
            key = name.replace("~1", "/").replace("~0", "~")
            try:
                piece = piece.child(int(key) if isinstance(piece.value, list) else key)
            except (KeyError, IndexError, ValueError, TypeError):
                raise ContractError(f"nothing stands at #{pointer} (no {name!r})") from None
        self._located[pointer] = piece
        return piece

    def follow(self, piece: Located) -> Located:
        """The piece itself, or what it refers to; what stands beside the reference wins.

        Raises:
            ContractError: The reference leads nowhere, in a circle, or out of the file.
        """
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

    def resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same as `follow` for an object whose place does not matter."""
        found: Mapping[str, Any] = self.follow(Located("", value)).value
        return found

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
            for method in METHODS:
                if method in item.value:
                    yield self._operation(path, method, item)

    def _operation(self, path: str, method: str, item: Located) -> Operation:
        piece = item.child(method)
        raw = piece.value
        parameters: dict[tuple[str, str], Argument] = {}
        for place in (item, piece):
            for index in range(len(place.value.get("parameters", []))):
                parameter = self._parameter(place.child("parameters", index))
                parameters[parameter.place, parameter.name] = parameter
        body = self.follow(piece.child("requestBody")) if "requestBody" in raw else None
        security = raw.get("security", self.document.get("security", []))
        return Operation(
            id=str(raw.get("operationId", f"{method} {path}")),
            method=method.upper(),
            path=path,
            pointer=piece.pointer,
            raw=raw,
            parameters=tuple(parameters.values()),
            fields=tuple(self._fields(body)) if body is not None else (),
            request_body=None
            if body is None
            else RequestBody(bool(body.value.get("required", False)), self._content(body)),
            responses={
                int(status): self._response(int(status), piece.child("responses", status))
                for status in raw.get("responses", {})
                if status.isdigit()
            },
            security=tuple(frozenset(alternative) for alternative in security),
        )

    def _parameter(self, piece: Located) -> Argument:
        piece = self.follow(piece)
        return Argument(
            name=piece.value["name"],
            place=piece.value["in"],
            required=bool(piece.value.get("required", False)),
            schema=piece.child("schema") if "schema" in piece.value else None,
            description=str(piece.value.get("description", "")),
            example=piece.value.get("example"),
            piece=piece,
        )

    def _fields(self, body: Located) -> Iterator[Argument]:
        media = _content_of(body).get(JSON, {})
        if "schema" not in media:
            return
        schema = self.follow(body.child("content", JSON, "schema"))
        for name in schema.value.get("properties", {}):
            piece = schema.child("properties", name)
            yield Argument(
                name=name,
                place="body",
                required=name in schema.value.get("required", []),
                schema=piece,
                description=str(
                    piece.value.get("description", self.follow(piece).value.get("description", ""))
                ),
                example=media.get("example", {}).get(name),
                piece=piece,
            )

    def _response(self, status: int, piece: Located) -> Response:
        response = self.follow(piece)
        headers: dict[str, Header] = {}
        for name in response.value.get("headers", {}):
            header = self.follow(response.child("headers", name))
            schema = header.child("schema") if "schema" in header.value else None
            headers[name] = Header(bool(header.value.get("required", False)), schema, header)
        return Response(
            status=status,
            description=str(response.value.get("description", "")).strip(),
            content=self._content(response),
            headers=headers,
            links=response.value.get("links", {}),
        )

    def _content(self, piece: Located) -> Mapping[str, MediaType]:
        """What stands under `content`, by media type."""
        return {name: self._media_type(piece.child("content", name)) for name in _content_of(piece)}

    def _media_type(self, piece: Located) -> MediaType:
        examples: dict[str, Any] = {}
        for name in piece.value.get("examples", {}):
            example = self.follow(piece.child("examples", name)).value
            examples[example.get("summary", name)] = example.get("value")
        if "example" in piece.value:
            examples = {"Example": piece.value["example"]}
        return MediaType(piece.child("schema") if "schema" in piece.value else None, examples)


def _content_of(piece: Located) -> Mapping[str, Any]:
    content: Mapping[str, Any] = piece.value.get("content", {})
    return content


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
    """The contract at `path` (JSON or YAML); when left out, the copy in the server's package.

    Raises:
        ContractError: There is none, it is not an OpenAPI document, or it has no operation.
    """
    path = path or source.installed()
    contract = Contract(source.read(path))
    if not contract.operations:
        raise ContractError(f"{path}: has no operation, so that there is nothing to judge")
    return contract


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
