"""The operations of the contract as the templates want them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shapes import ContractError, Schema, Schemas, is_secret

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
_JSON = "application/json"

# The SDK sends these by itself.
_OWN_HEADERS = frozenset({"x-request-id"})

# OpenAPI has other words for these; as parameters they mean nothing.
_IGNORED_HEADERS = frozenset({"accept", "authorization", "content-type", "cookie"})

_REDIRECTS = ("302", "303", "307")

# What the SDK calls the scheme of its session's cookie. Every other scheme is a bearer token.
_SESSION_SCHEME = "sessionCookie"

# Names that the generated modules use in annotations, which an attribute would hide.
_TAKEN = frozenset({"bool", "datetime", "dict", "float", "int", "list", "self", "str"})


def python_name(name: str) -> str:
    """Turn the name of a field or parameter into a Python identifier."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    snake = re.sub(r"\W+", "_", words).lower().strip("_")
    return f"{snake}_" if keyword.iskeyword(snake) or snake in _TAKEN else snake


@dataclass(frozen=True)
class Attribute:
    """A field of a model."""

    name: str
    python: str
    annotation: str
    shape: str
    required: bool
    secret: bool
    hashable: bool
    prose: str


@dataclass(frozen=True)
class Model:
    """An object of the contract that an answer or an argument holds."""

    prose: str
    attributes: list[Attribute]
    classes: set[str]
    """Every other class that its attributes reach."""
    closed: bool


@dataclass(frozen=True)
class Argument:
    """An argument of an operation."""

    name: str
    python: str
    annotation: str
    required: bool
    secret: bool
    unescaped: str
    prose: str
    example: Any

    @property
    def full_annotation(self) -> str:
        """The type, with that of an argument left out."""
        if self.required:
            return self.annotation
        plain = self.annotation.removesuffix(" | None")
        return f"{plain} | Omit" + self.annotation.removeprefix(plain)


@dataclass(frozen=True)
class Success:
    """One documented success of an operation."""

    status: int
    result: str
    """The type of what the method returns."""
    decoder: str
    """The Python expression of what makes the result."""
    prose: str


@dataclass(frozen=True)
class Operation:
    """An operation of the contract."""

    id: str
    method: str
    path: str
    tag: str
    sdk_path: tuple[str, ...]
    summary: str
    description: str
    role: str
    deprecated: bool
    consumes: bool
    security: tuple[str, ...]
    security_optional: bool
    path_arguments: list[Argument]
    query_arguments: list[Argument]
    header_arguments: list[Argument]
    body_arguments: list[Argument]
    takes_body: bool
    body_required: bool
    success: list[Success]
    errors: dict[int, str]
    classes: set[str]
    """Every class that the result or an argument reaches."""

    @property
    def result(self) -> str:
        """The type of what the method returns."""
        return " | ".join(dict.fromkeys(success.result for success in self.success))

    @property
    def result_prose(self) -> str:
        """What the method returns, for each status where there are several."""
        if len(self.success) == 1:
            return self.success[0].prose
        return " ".join(f"Status {each.status}: {each.prose}" for each in self.success)

    @property
    def decodes(self) -> bool:
        """Whether a success has content that is read."""
        return any("(" in success.decoder for success in self.success)

    @property
    def keyword_arguments(self) -> list[Argument]:
        """Those that have no place in the path: first the ones that must be given."""
        given = self.query_arguments + self.header_arguments + self.body_arguments
        return sorted(given, key=lambda argument: not argument.required)

    @property
    def arguments(self) -> list[Argument]:
        """All of them, in the order of the signature."""
        return self.path_arguments + self.keyword_arguments

    @property
    def path_expression(self) -> str:
        """The Python expression that makes the path."""
        by_name = {argument.name: argument for argument in self.path_arguments}
        if not by_name:
            return repr(self.path)

        def encoded(match: re.Match[str]) -> str:
            argument = by_name[match[1]]
            extra = f", {argument.unescaped!r}" if argument.unescaped else ""
            return f"{{_segment({argument.python!r}, {argument.python}{extra})}}"

        # A literal for each argument, so that the formatter can break the line between them.
        parts = re.findall(r"[^{]*\{\w+\}|[^{]+", self.path)
        literals = ['f"' + re.sub(r"\{(\w+)\}", encoded, part) + '"' for part in parts]
        return "\n".join(literals)

    @property
    def method_name(self) -> str:
        """What the method of the resource is called."""
        return self.sdk_path[-1]


@dataclass
class Resource:
    """A node of the tree that hangs off the client."""

    path: tuple[str, ...]
    operations: list[Operation] = field(default_factory=list)
    children: list[Resource] = field(default_factory=list)
    prose: str = ""

    @property
    def attribute(self) -> str:
        """What it is called on its parent."""
        return self.path[-1]

    @property
    def module(self) -> str:
        """The module that holds its classes."""
        return "_".join(self.path)

    @property
    def class_name(self) -> str:
        """The name of the synchronous class."""
        return "".join(word.capitalize() for part in self.path for word in part.split("_"))

    @property
    def dotted(self) -> str:
        """Where it stands, as a person writes it."""
        return ".".join(("client", *self.path))


class Contract:
    """The contract, read for the templates.

    Args:
        document: The contract, parsed.
        class_name: Names the class of a component of the contract.

    Raises:
        ContractError: It says something that cannot become code.
    """

    def __init__(self, document: Mapping[str, Any], class_name: Any) -> None:
        self._document = document
        self._class_name = class_name
        self.schemas = Schemas(document, class_name)
        self.operations = {operation.id: operation for operation in self._operations()}
        self.resources = _tree(self.operations.values())
        tags = {tag["name"]: tag.get("description", "") for tag in document.get("tags", [])}
        for resource in self.resources.children:
            resource.prose = _text(tags.get(resource.attribute, ""))
        self.classes = set[str]().union(*(each.classes for each in self.operations.values()))

    @cached_property
    def models(self) -> dict[str, Model]:
        """The objects that answers and arguments hold, by class name."""
        return {
            name: self._model(name, schema)
            for component, schema in self._document["components"]["schemas"].items()
            if (name := str(self._class_name(component))) in self.classes and "enum" not in schema
        }

    @cached_property
    def enums(self) -> dict[str, str]:
        """What the contract says of each enum, by class name."""
        return {
            str(self._class_name(component)): _text(schema.get("description", ""))
            for component, schema in self._document["components"]["schemas"].items()
            if "enum" in schema
        }

    @property
    def every_resource(self) -> Iterator[Resource]:
        """Every resource but the root, parents first."""
        waiting = list(self.resources.children)
        while waiting:
            resource = waiting.pop(0)
            yield resource
            waiting += resource.children

    def _model(self, name: str, schema: Schema) -> Model:
        required = set(schema.get("required", []))
        attributes = [
            self._attribute(field_name, field_schema, required=field_name in required)
            for field_name, field_schema in schema["properties"].items()
        ]
        # The attributes that must be given come first, as in every signature.
        attributes.sort(key=lambda attribute: not attribute.required)
        return Model(
            prose=_text(schema.get("description", "")),
            attributes=attributes,
            classes={
                reached
                for field_schema in schema["properties"].values()
                for reached in self.schemas.classes(field_schema)
            }
            - {name},
            closed=schema.get("additionalProperties") is False,
        )

    def _attribute(self, name: str, schema: Schema, *, required: bool) -> Attribute:
        annotation = self.schemas.annotation(schema)
        if not required and not annotation.endswith(" | None") and annotation != "Any":
            annotation += " | None"
        found = self.schemas.resolve(schema)
        return Attribute(
            name=name,
            python=python_name(name),
            annotation=annotation,
            shape=self.schemas.shape(schema),
            required=required,
            secret=is_secret(found.schema),
            hashable=found.kind not in ("array", "table", "anything"),
            prose=_sentences(found.schema.get("description", ""), self.schemas.bounds(schema)),
        )

    def _operations(self) -> Iterator[Operation]:
        for path, item in self._document["paths"].items():
            for method in _METHODS:
                if method in item:
                    raw = item[method]
                    try:
                        yield self._operation(path, method, raw, item.get("parameters", []))
                    except (ContractError, KeyError) as error:
                        name = raw.get("operationId", f"{method} {path}")
                        raise ContractError(f"{name}: {error}") from error

    def _operation(
        self, path: str, method: str, raw: Mapping[str, Any], shared: list[Any]
    ) -> Operation:
        parameters = [self.schemas.follow(each) for each in [*shared, *raw.get("parameters", [])]]
        by_place: dict[str, list[Argument]] = {"path": [], "query": [], "header": []}
        for parameter in parameters:
            if parameter["in"] not in by_place:
                raise ContractError(f"parameters in {parameter['in']} are not known")
            if parameter["in"] == "header" and parameter["name"].lower() in _OWN_HEADERS:
                continue
            if parameter["in"] == "header" and parameter["name"].lower() in _IGNORED_HEADERS:
                raise ContractError(f"{parameter['name']} cannot be a parameter")
            by_place[parameter["in"]].append(self._parameter(parameter))
        order = re.findall(r"\{(\w+)\}", path)
        by_place["path"].sort(key=lambda argument: order.index(argument.name))
        body = self.schemas.follow(raw.get("requestBody", {}))
        body_schema = body.get("content", {}).get(_JSON, {}).get("schema", {})
        security, optional = self._security(raw)
        answers = self._successes(raw)
        schemas = [each["schema"] for each in parameters]
        schemas += [schema for answer in answers.values() if (schema := _json_schema(answer))]
        operation = Operation(
            id=raw["operationId"],
            method=method.upper(),
            path=path,
            tag=python_name(raw["tags"][0]),
            sdk_path=tuple(raw["x-sdk"].split(".")),
            summary=_text(raw["summary"]),
            description=_text(raw["description"]),
            role=raw["x-required-role"],
            deprecated=raw.get("deprecated", False),
            consumes=raw.get("x-consumes", False),
            security=security,
            security_optional=optional,
            path_arguments=by_place["path"],
            query_arguments=by_place["query"],
            header_arguments=by_place["header"],
            body_arguments=self._body(body, body_schema),
            takes_body=bool(body),
            body_required=body.get("required", False),
            success=[self._success(status, answer) for status, answer in answers.items()],
            errors={
                int(status): _text(self.schemas.follow(response)["description"])
                for status, response in raw["responses"].items()
                if int(status) not in answers
            },
            classes=self._reached(schemas, body_schema),
        )
        names = [argument.python for argument in operation.arguments]
        if len(set(names)) < len(names) or operation.id in names:
            raise ContractError(
                f"two arguments, or one and the operation, are called alike: {names}"
            )
        return operation

    def _reached(self, schemas: list[Schema], body_schema: Schema) -> set[str]:
        # The fields of a body are arguments: nobody needs a class for the body itself.
        fields = self.schemas.resolve(body_schema).schema.get("properties", {}).values()
        return {name for schema in (*schemas, *fields) for name in self.schemas.classes(schema)}

    def _parameter(self, parameter: Mapping[str, Any]) -> Argument:
        schema = parameter["schema"]
        return Argument(
            name=parameter["name"],
            python=python_name(parameter["name"]),
            annotation=self.schemas.argument(schema),
            required=parameter.get("required", False),
            secret=False,
            unescaped=parameter.get("x-unescaped", ""),
            prose=_sentences(parameter.get("description", ""), self.schemas.bounds(schema)),
            example=parameter.get("example", _example(self.schemas.follow(schema))),
        )

    def _body(self, body: Mapping[str, Any], schema: Schema) -> list[Argument]:
        if not body:
            return []
        if list(body["content"]) != [_JSON]:
            raise ContractError(f"bodies of {', '.join(body['content'])} are not known")
        found = self.schemas.resolve(schema)
        required = set(found.schema.get("required", []))
        example = body["content"][_JSON].get("example", {})
        arguments = []
        for name, field_schema in found.schema["properties"].items():
            plain = self.schemas.resolve(field_schema).schema
            arguments.append(
                Argument(
                    name=name,
                    python=python_name(name),
                    annotation=self.schemas.argument(field_schema),
                    required=name in required,
                    secret=is_secret(plain),
                    unescaped="",
                    prose=_sentences(
                        plain.get("description", ""), self.schemas.bounds(field_schema)
                    ),
                    example=example.get(name, _example(plain)),
                )
            )
        return arguments

    def _security(self, raw: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
        requirements = raw.get("security", self._document.get("security", []))
        if any(len(requirement) > 1 for requirement in requirements):
            raise ContractError("two credentials at once are not known")
        names = tuple(name for requirement in requirements for name in requirement)
        for name in names:
            scheme = self._document["components"]["securitySchemes"][name]
            is_bearer = (scheme["type"], scheme.get("scheme")) == ("http", "bearer")
            if is_bearer == (name == _SESSION_SCHEME):
                raise ContractError(
                    f"{name}: a credential is the cookie {_SESSION_SCHEME}, or a bearer token"
                )
        return names, bool(names) and {} in requirements

    def _successes(self, raw: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
        found = [status for status in raw["responses"] if str(status).startswith("2")]
        found = found or [status for status in raw["responses"] if status in _REDIRECTS][:1]
        if not found:
            raise ContractError("it has no status of success")
        answers = {int(status): self.schemas.follow(raw["responses"][status]) for status in found}
        for answer in answers.values():
            others = set(answer.get("content", {})) - {_JSON}
            if others:
                raise ContractError(f"answers of {', '.join(sorted(others))} are not known")
        return answers

    def _success(self, status: int, answer: Mapping[str, Any]) -> Success:
        result, decoder = ("str", "REDIRECT")
        if status < 300:
            result, decoder = self._result(_json_schema(answer))
        return Success(status, result, decoder, _text(answer["description"]))

    def _result(self, schema: Schema | None) -> tuple[str, str]:
        if schema is None:
            return "None", "None"
        found = self.schemas.resolve(schema)
        if found.kind == "object":
            name = self.schemas.class_of(found)
            return name, f"one(lambda: models.{name})"
        if found.kind == "array":
            shape = self.schemas.shape(schema)
            inner = self.schemas.annotation(found.schema["items"])
            return f"Page[{inner}]", f"page({shape.removeprefix('Listing(')}"
        raise ContractError(f"an answer that is a {found.kind} is not known")


def _json_schema(answer: Mapping[str, Any]) -> Schema | None:
    schema: Schema | None = answer.get("content", {}).get(_JSON, {}).get("schema")
    return schema


def _tree(operations: Any) -> Resource:
    root = Resource(path=())
    nodes: dict[tuple[str, ...], Resource] = {(): root}
    for operation in operations:
        place = operation.sdk_path[:-1]
        for depth in range(1, len(place) + 1):
            here = place[:depth]
            if here not in nodes:
                nodes[here] = Resource(path=here)
                nodes[here[:-1]].children.append(nodes[here])
        nodes[place].operations.append(operation)
    for node in nodes.values():
        names = [operation.method_name for operation in node.operations]
        names += [child.attribute for child in node.children]
        if len(set(names)) < len(names):
            raise ContractError(f"two things are called alike on {node.dotted}: {sorted(names)}")
    return root


def _example(schema: Schema) -> Any:
    return next(iter(schema.get("examples", schema.get("enum", []))), schema.get("example"))


def _text(text: str) -> str:
    return text.strip()


def _sentences(*texts: str) -> str:
    ended = [
        text if text.endswith((".", "!", "?")) else f"{text}." for text in map(_text, texts) if text
    ]
    return " ".join(ended)
