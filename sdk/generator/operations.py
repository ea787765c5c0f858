"""The operations of the contract as the templates want them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from openapi_python_client import strings
from readers import constant, enums, reader
from schemas import Schema, Schemas, is_secret, typed_dict

from agentserver_contract.contract import document
from agentserver_contract.contract.document import JSON
from agentserver_contract.contract.source import ContractError

# What the templates need of every operation.
_NEEDED = ("operationId", "x-sdk", "tags", "summary", "description", "x-required-role")

# The SDK sends these by itself.
_OWN_HEADERS = frozenset({"x-request-id"})

# OpenAPI has other words for these; as parameters they mean nothing.
_IGNORED_HEADERS = frozenset({"accept", "authorization", "content-type", "cookie"})

_REDIRECTS = (302, 303, 307)

# What the SDK calls the scheme of its session's cookie. Every other scheme is a bearer token.
_SESSION_SCHEME = "sessionCookie"

# Names that the generated modules use in annotations, which an attribute would hide.
_TAKEN = frozenset({"bool", "datetime", "dict", "float", "int", "list", "self", "str"})

# What every method takes beside the arguments of its operation: `CallOptions` of the SDK.
CALL_OPTIONS = frozenset({"deadline", "extra_headers", "max_retries", "timeout"})

# What methods may take beside all of these.
_WAIT = "wait"


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
    schema: str
    """The expression of its schema."""
    reader: str
    """The expression that reads it."""
    required: bool
    secret: bool
    hashable: bool
    prose: str


@dataclass(frozen=True)
class Model:
    """An object of the contract that occurs in answers or arguments."""

    prose: str
    attributes: list[Attribute]
    classes: set[str]
    """The other classes that its annotations name, except `enums`."""
    enums: dict[str, str]
    """The enums that its reader converts to, and the constant with the values of each."""
    closed: bool


@dataclass(frozen=True)
class Key:
    """A key of a dictionary that an argument takes in place of a model."""

    name: str
    annotation: str
    prose: str


@dataclass(frozen=True)
class TypedDict:
    """A dictionary that an argument takes in place of a model."""

    model: str
    prose: str
    keys: list[Key]
    classes: set[str]
    """The other classes that its annotations name."""

    @property
    def module(self) -> str:
        """The module that defines it."""
        return strings.snake_case(typed_dict(self.model))

    @property
    def is_class(self) -> bool:
        """Whether every key can be written as an attribute."""
        return all(key.name.isidentifier() and not keyword.iskeyword(key.name) for key in self.keys)


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
class Wait:
    """What a read shows that changes by itself."""

    field: str
    until: str
    dead_ends: dict[str, list[str]]
    """By each state that can be waited for: those from which it is not reached by itself."""

    @property
    def goals(self) -> str:
        """The type of a state that can be waited for."""
        return f"Literal{list(self.dead_ends)!r}"


@dataclass(frozen=True)
class WaitForNew:
    """What an operation says that creates a thing for which one can wait."""

    read: str
    """The operation that reads the thing."""
    id: str
    """The attribute of the answer that holds its id."""


@dataclass(frozen=True)
class Completion:
    """What an operation says that may only begin what another one completes."""

    operation: str
    """The operation that completes it, and that is repeated while it answers 202."""
    id: str
    """The attribute of the answer that holds its id."""
    result: str
    """The class of what is complete."""
    pending: str
    """The class of what is not."""


@dataclass(frozen=True)
class Login:
    """What an operation says that begins a login by a QR code."""

    operation: str
    """The operation that is asked how far it is."""
    state: str
    """The attribute of its answer that says so."""
    until: str
    expired: list[str]
    dead_ends: list[str]
    result: str
    """The class of its answer."""
    pending: str
    """The class of what is to be scanned."""


@dataclass(frozen=True)
class Paging:
    """What a list says that comes in pages."""

    rows: str
    """The attribute of the answer that has the rows."""
    total: str | None
    """The attribute of the answer that has their number; None for a list with a cursor."""
    position: str
    """The argument that says where a page begins: an offset, or a cursor."""
    key: str
    """The attribute of a row that identifies it."""
    row: str
    """The class of a row."""
    size: int
    most: int

    @property
    def kind(self) -> str:
        """The class of its pager."""
        return "Pager" if self.total else "CursorPager"

    def result(self, asynchronous: bool) -> str:
        """The type of what the method returns."""
        return f"{'Async' if asynchronous else ''}{self.kind}[{self.row}]"


@dataclass(frozen=True)
class Iteration:
    """What an operation says that takes rows from the server, which gives each only once."""

    name: str
    """The method that gives them one by one."""
    row: str
    """The class of a row."""


@dataclass(frozen=True)
class TimeLimit:
    """What an operation says about how long the server may take, by itself or for its caller."""

    seconds: str
    """How long, as an expression: a number, or one that reads an argument in milliseconds."""


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
    """The classes of the result and the arguments, and of the objects inside them."""
    wait: Wait | None
    """How one can wait for what a read shows."""
    paging: Paging | None
    """How a list comes in pages."""
    iterator: Iteration | None
    """How what it takes is given one by one."""
    waits_for: WaitForNew | None
    """How one can wait for what this one creates."""
    completion: Completion | None
    """How what this one begins is completed."""
    login: Login | None
    """How one can wait for the end of a login that this one begins."""
    time_limit: TimeLimit | None
    """How long the server itself says that it may take."""

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
    def idempotency_key(self) -> str | None:
        """The argument that makes it safe to send it again, and that is made up if left out."""
        return next(
            (
                argument.python
                for argument in self.header_arguments
                if argument.name.lower() == "idempotency-key" and not argument.required
            ),
            None,
        )

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
        """The module that defines its classes."""
        return "_".join(self.path)

    @property
    def class_name(self) -> str:
        """The name of the synchronous class."""
        return "".join(word.capitalize() for part in self.path for word in part.split("_"))

    @property
    def dotted(self) -> str:
        """The expression that leads to it from a client."""
        return ".".join(("client", *self.path))


class Surface:
    """What the SDK offers, made from the contract for the templates.

    Args:
        contract: The contract.
        class_name: Names the class of a component of the contract.

    Raises:
        ContractError: It says something that cannot become code.
    """

    def __init__(self, contract: document.Contract, class_name: Any) -> None:
        self._contract = contract
        self._class_name = class_name
        self.schemas = Schemas(contract, class_name)
        self.operations = {operation.id: operation for operation in self._operations()}
        self.resources = _tree(self.operations.values())
        for resource in self.resources.children:
            resource.prose = _text(contract.tags.get(resource.attribute, ""))
        self.classes = set[str]().union(*(each.classes for each in self.operations.values()))

    @cached_property
    def models(self) -> dict[str, Model]:
        """The objects of answers and arguments, by class name."""
        return {
            name: self._model(name, schema)
            for component, schema in self._contract.schemas.items()
            if (name := str(self._class_name(component))) in self.classes and "enum" not in schema
        }

    @cached_property
    def enums(self) -> dict[str, str]:
        """What the contract says of each enum, by class name."""
        return {
            str(self._class_name(component)): _text(schema.get("description", ""))
            for component, schema in self._contract.schemas.items()
            if "enum" in schema
        }

    @cached_property
    def typed_dicts(self) -> dict[str, TypedDict]:
        """The dictionaries that arguments take in place of models, by class name."""
        objects = {
            self.schemas.class_of(found): found.schema
            for operation in self._contract.operations.values()
            for argument in operation.arguments
            if argument.schema is not None
            for found in self.schemas.enums_and_objects(argument.schema.value)
            if found.kind == "object"
        }
        made = {typed_dict(name): self._typed_dict(name, objects[name]) for name in objects}
        for component in self._contract.schemas:
            if (name := str(self._class_name(component))) in made:
                raise ContractError(
                    f"{component}: the dictionaries of another schema are already named {name}"
                )
        return made

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
        fields = schema["properties"]
        # The attributes that must be given come first, as in every signature.
        attributes = [
            self._attribute(field, fields[field], required=field in required, index=index)
            for index, field in enumerate(sorted(fields, key=lambda field: field not in required))
        ]
        found = set[str]().union(*(enums(self.schemas, each) for each in fields.values()))
        classes = {each for one in fields.values() for each in self.schemas.classes(one)}
        return Model(
            prose=_text(schema.get("description", "")),
            attributes=attributes,
            classes=classes - found - {name},
            enums={each: constant(each) for each in sorted(found)},
            closed=schema.get("additionalProperties") is False,
        )

    def _attribute(self, name: str, schema: Schema, *, required: bool, index: int) -> Attribute:
        annotation = self.schemas.annotation(schema)
        if not required and not annotation.endswith(" | None") and annotation != "Any":
            annotation += " | None"
        found = self.schemas.resolve(schema)
        return Attribute(
            name=name,
            python=python_name(name),
            annotation=annotation,
            schema=self.schemas.expression(schema),
            reader=reader(self.schemas, schema, name, required=required, index=index),
            required=required,
            secret=is_secret(found.schema),
            hashable=found.kind not in ("array", "map", "anything"),
            prose=_sentences(found.schema.get("description", ""), self.schemas.bounds(schema)),
        )

    def _typed_dict(self, name: str, schema: Schema) -> TypedDict:
        required = schema.get("required", [])
        fields = schema["properties"]
        keys = []
        for key, value in fields.items():
            annotation = self.schemas.argument(value)
            classes = set(self._argument_classes(value))
            if classes:
                annotation = repr(annotation)
            found = self.schemas.resolve(value)
            keys.append(
                Key(
                    name=key,
                    annotation=annotation if key in required else f"NotRequired[{annotation}]",
                    prose=_sentences(
                        found.schema.get("description", ""), self.schemas.bounds(value)
                    ),
                )
            )
        return TypedDict(
            model=name,
            prose=_text(schema.get("description", "")),
            keys=keys,
            classes={each for value in fields.values() for each in self._argument_classes(value)}
            - {typed_dict(name)},
        )

    def _argument_classes(self, schema: Schema) -> Iterator[str]:
        for found in self.schemas.enums_and_objects(schema):
            name = self.schemas.class_of(found)
            yield name
            if found.kind == "object":
                yield typed_dict(name)

    def _operations(self) -> Iterator[Operation]:
        for operation in self._contract.operations.values():
            try:
                yield self._operation(operation)
            except ContractError as error:
                raise ContractError(f"{operation.id}: {error}") from error

    def _operation(self, source: document.Operation) -> Operation:
        if missing := [key for key in _NEEDED if key not in source.raw]:
            raise ContractError(f"{', '.join(missing)} must be given")
        by_place: dict[str, list[Argument]] = {"path": [], "query": [], "header": []}
        for parameter in source.parameters:
            if parameter.place not in by_place:
                raise ContractError(f"parameters in {parameter.place} are not known")
            if parameter.place == "header" and parameter.name.lower() in _OWN_HEADERS:
                continue
            if parameter.place == "header" and parameter.name.lower() in _IGNORED_HEADERS:
                raise ContractError(f"{parameter.name} cannot be a parameter")
            by_place[parameter.place].append(self._argument(parameter))
        order = source.path_parameters
        by_place["path"].sort(key=lambda argument: order.index(argument.name))
        security, optional = self._security(source)
        successes = self._successes(source)
        # The fields of a body are arguments: nothing needs a class for the body itself.
        arguments = [each.schema.value for each in source.arguments if each.schema]
        results = [found.value for each in successes if (found := each.schema(JSON))]
        operation = Operation(
            id=source.id,
            method=source.method,
            path=source.path,
            tag=python_name(source.tag),
            sdk_path=tuple(source.sdk.split(".")),
            summary=source.summary,
            description=source.description,
            role=source.required_role or "",
            deprecated=source.is_deprecated,
            consumes=source.consumes,
            security=security,
            security_optional=optional,
            path_arguments=by_place["path"],
            query_arguments=by_place["query"],
            header_arguments=by_place["header"],
            body_arguments=self._body(source),
            takes_body=source.request_body is not None,
            body_required=source.body_required,
            success=list(map(self._success, successes)),
            errors={
                status: response.description
                for status, response in source.responses.items()
                if response not in successes
            },
            classes={
                *(name for schema in arguments for name in self._argument_classes(schema)),
                *(name for schema in results for name in self.schemas.classes(schema)),
            },
            wait=_wait(source),
            paging=self._paging(source, results),
            iterator=self._iterator(source, results),
            waits_for=self._waits_for(source, results),
            completion=self._completion(source, successes),
            login=self._login(source, successes),
            time_limit=_time_limit(source),
        )
        names = [argument.python for argument in operation.arguments]
        if len(set(names)) < len(names) or operation.id in names:
            raise ContractError(
                f"two arguments, or an argument and the operation, have the same name: {names}"
            )
        return operation

    def _argument(self, source: document.Argument) -> Argument:
        if source.schema is None:
            raise ContractError(f"{source.name} has no schema")
        schema = source.schema.value
        plain = self.schemas.resolve(schema).schema
        # What is a field describes it; a parameter says what its value is for.
        described = plain.get("description", "") if source.place == "body" else source.description
        python = python_name(source.name)
        return Argument(
            name=source.name,
            python=f"{python}_" if python in (*CALL_OPTIONS, _WAIT) else python,
            annotation=self.schemas.argument(schema),
            required=source.required,
            secret=source.place == "body" and is_secret(plain),
            unescaped=source.piece.value.get("x-unescaped", ""),
            prose=_sentences(described, self.schemas.bounds(schema)),
            example=_example(plain) if source.example is None else source.example,
        )

    def _body(self, source: document.Operation) -> list[Argument]:
        if source.request_body is None:
            return []
        if list(source.request_body.content) != [JSON]:
            raise ContractError(f"bodies of {', '.join(source.request_body.content)} are not known")
        return [self._argument(field) for field in source.fields]

    def _security(self, source: document.Operation) -> tuple[tuple[str, ...], bool]:
        if any(len(alternative) > 1 for alternative in source.security):
            raise ContractError("two credentials at once are not known")
        for name in source.schemes:
            scheme = self._contract.components("securitySchemes")[name]
            is_bearer = (scheme["type"], scheme.get("scheme")) == ("http", "bearer")
            if is_bearer == (name == _SESSION_SCHEME):
                raise ContractError(
                    f"{name}: a credential is the cookie {_SESSION_SCHEME}, or a bearer token"
                )
        return source.schemes, bool(source.schemes) and not source.is_secured

    def _successes(self, source: document.Operation) -> list[document.Response]:
        found = [each for each in source.successes if each.status < 300]
        found = found or [each for each in source.successes if each.status in _REDIRECTS][:1]
        if not found:
            raise ContractError("it has no status of success")
        for response in found:
            others = set(response.content) - {JSON}
            if others:
                raise ContractError(f"answers of {', '.join(sorted(others))} are not known")
        return found

    def _success(self, response: document.Response) -> Success:
        result, decoder = ("str", "REDIRECT")
        if response.status < 300:
            schema = response.schema(JSON)
            result, decoder = self._result(schema.value if schema else None)
        return Success(response.status, result, decoder, response.description)

    def _paging(self, source: document.Operation, results: list[Schema]) -> Paging | None:
        said = source.raw.get("x-sdk-page")
        if said is None:
            return None
        answer = self.schemas.resolve(results[0]).schema["properties"]
        limit = next(each.schema for each in source.parameters if each.name == "limit")
        if limit is None or "maximum" not in limit.value:
            raise ContractError("x-sdk-page: limit needs a maximum")
        rows = self.schemas.resolve(answer[said["rows"]]).schema["items"]
        return Paging(
            rows=python_name(said["rows"]),
            total=python_name(said["total"]) if "total" in said else None,
            position=python_name(said.get("cursor", "offset")),
            key=python_name(said["key"]),
            row=self.schemas.annotation(rows),
            size=said["size"],
            most=limit.value["maximum"],
        )

    def _waits_for(self, source: document.Operation, results: list[Schema]) -> WaitForNew | None:
        said = source.raw.get("x-sdk-wait", {})
        if "read" not in said:
            return None
        read = self._contract.operations.get(said["read"])
        if read is None or _wait(read) is None:
            raise ContractError(f"x-sdk-wait: {said['read']} cannot be waited for")
        if said["id"] not in self.schemas.resolve(results[0]).schema.get("required", []):
            raise ContractError(f"x-sdk-wait: the answer does not always have {said['id']}")
        return WaitForNew(said["read"], python_name(said["id"]))

    def _completion(
        self, source: document.Operation, successes: list[document.Response]
    ) -> Completion | None:
        said = source.raw.get("x-sdk-wait", {})
        if "complete" not in said:
            return None
        other = self._contract.operations.get(said["complete"])
        if other is None or other.path_parameters[:-1] != source.path_parameters:
            raise ContractError(f"x-sdk-wait: {said['complete']} is not about one of these")
        results = {each.status: self._success(each).result for each in successes}
        if results != {each.status: self._success(each).result for each in other.successes}:
            raise ContractError(f"x-sdk-wait: {said['complete']} does not answer the same")
        if set(results) != {201, 202}:
            raise ContractError("x-sdk-wait: what can be completed is answered with 201 or 202")
        return Completion(said["complete"], python_name(said["id"]), results[201], results[202])

    def _login(
        self, source: document.Operation, successes: list[document.Response]
    ) -> Login | None:
        said = source.raw.get("x-sdk-wait", {})
        if "ask" not in said:
            return None
        other = self._contract.operations.get(said["ask"])
        if other is None or other.path_parameters != source.path_parameters:
            raise ContractError(f"x-sdk-wait: {said['ask']} is not about the same")
        answer = next(each.schema(JSON) for each in other.successes)
        shown = self.schemas.resolve(answer.value).schema if answer else {}
        fields = shown.get("properties", {})
        known = self.schemas.resolve(fields.get(said["state"], {})).schema.get("enum", [])
        for state in (said["until"], *said["expired"], *said["dead_ends"]):
            if state not in known:
                raise ContractError(f"x-sdk-wait: {said['state']} is never {state}")
        (begun,), (found,) = map(self._success, successes), map(self._success, other.successes)
        states = said["until"], said["expired"], said["dead_ends"]
        return Login(said["ask"], python_name(said["state"]), *states, found.result, begun.result)

    def _iterator(self, source: document.Operation, results: list[Schema]) -> Iteration | None:
        said = source.raw.get("x-sdk-iterator")
        if said is None:
            return None
        rows = self.schemas.resolve(results[0])
        if rows.kind != "array" or "x-consumes" not in source.raw:
            raise ContractError("x-sdk-iterator: only a list that is consumed has one")
        return Iteration(said, self.schemas.annotation(rows.schema["items"]))

    def _result(self, schema: Schema | None) -> tuple[str, str]:
        if schema is None:
            return "None", "None"
        found = self.schemas.resolve(schema)
        if found.kind == "object":
            name = self.schemas.class_of(found)
            return name, f"one(lambda: models.{name})"
        if found.kind == "array":
            array = self.schemas.expression(schema)
            inner = self.schemas.annotation(found.schema["items"])
            return f"Page[{inner}]", f"page({array.removeprefix('Array(')}"
        raise ContractError(f"an answer that is a {found.kind} is not known")


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
        names += [_WAIT for operation in node.operations if operation.wait]
        names += [each.iterator.name for each in node.operations if each.iterator]
        if len(set(names)) < len(names):
            raise ContractError(f"two members of {node.dotted} have the same name: {sorted(names)}")
    return root


def _wait(source: document.Operation) -> Wait | None:
    said = source.raw.get("x-sdk-wait", {})
    if "field" not in said:
        return None
    if len(source.path_parameters) != 1 or said["until"] not in said["dead_ends"]:
        raise ContractError("x-sdk-wait: must be about one thing, and name a state to wait for")
    return Wait(said["field"], said["until"], said["dead_ends"])


def _time_limit(source: document.Operation) -> TimeLimit | None:
    said = source.raw.get("x-sdk-deadline")
    if said is None:
        return None
    if "seconds" in said:
        return TimeLimit(str(float(said["seconds"])))
    field = python_name(said["field"])
    return TimeLimit(f"_seconds({field}, {said['omitted']}, {said['margin']})")


def _example(schema: Schema) -> Any:
    return next(iter(schema.get("examples", schema.get("enum", []))), schema.get("example"))


def _text(text: str) -> str:
    return text.strip()


def _sentences(*texts: str) -> str:
    ended = [
        text if text.endswith((".", "!", "?")) else f"{text}." for text in map(_text, texts) if text
    ]
    return " ".join(ended)
