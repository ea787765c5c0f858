"""The contract as the pages want it: operations with all they refer to, and the schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

JSON = "application/json"
SCHEMAS = "#/components/schemas/"
METHODS = ("get", "put", "post", "patch", "delete", "head", "options", "trace")

Schema = Mapping[str, Any]


class _Loader(yaml.SafeLoader):
    """Reads a time as the text it is."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Argument:
    """What a caller gives: a parameter, or a field of the body."""

    name: str
    """On the wire."""
    place: str
    """`path`, `query`, or `body`."""
    required: bool
    schema: Schema
    description: str
    example: Any
    """None where the contract's example leaves it out."""


@dataclass(frozen=True)
class Answer:
    """What comes back with one status."""

    status: int
    description: str
    headers: Sequence[str]
    content: Mapping[str, Any]
    """By media type, as in the contract."""
    links: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether it says that the call did what was asked."""
        return self.status < 400


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    id: str
    method: str
    path: str
    tag: str
    sdk: str
    """Where it stands on a client, as in `workspaces.create`."""
    summary: str
    description: str
    role: str
    deprecated: bool
    schemes: Sequence[str]
    """The credentials that it takes, by the names of their security schemes."""
    open: bool
    """Whether it also answers who sends none of them."""
    arguments: Sequence[Argument]
    body: Schema | None
    """The schema of its body."""
    body_example: Any
    answers: Sequence[Answer]

    @property
    def success(self) -> Answer:
        """Its one answer that is no error."""
        return next(answer for answer in self.answers if answer.good)

    @property
    def errors(self) -> list[Answer]:
        """Its other answers."""
        return [answer for answer in self.answers if not answer.good]


class Contract:
    """`openapi.yaml`, read for the pages."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.info: Mapping[str, Any] = document["info"]
        self.tags: Mapping[str, str] = {
            tag["name"]: tag.get("description", "") for tag in document["tags"]
        }
        components = document["components"]
        self.schemas: Mapping[str, Schema] = components["schemas"]
        self.headers: Mapping[str, Any] = components.get("headers", {})
        self.schemes: Mapping[str, Any] = components.get("securitySchemes", {})

    @classmethod
    def load(cls, path: Path) -> Contract:
        """Read the contract from a file."""
        return cls(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))  # noqa: S506

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """All operations by their ids, in the contract's order."""
        made = (self._operation(*each) for each in self._raw_operations())
        return {operation.id: operation for operation in made}

    def of_tag(self, tag: str) -> list[Operation]:
        """The operations of a tag."""
        return [each for each in self.operations.values() if each.tag == tag]

    def follow(self, node: Any) -> Any:
        """What a reference leads to; what stands beside the reference counts before it."""
        if "$ref" not in node:
            return node
        found: Any = self._document
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {**self.follow(found), **beside}

    def examples_of(self, media: Mapping[str, Any]) -> Mapping[str, Any]:
        """The examples of a media type by what they show."""
        if "example" in media:
            return {"Example": media["example"]}
        return {each["summary"]: each["value"] for each in media.get("examples", {}).values()}

    @cached_property
    def header_names(self) -> Mapping[str, str]:
        """What each header is called on the wire, by the name of its component."""
        return {
            header["$ref"].rpartition("/")[2]: name
            for answer in self._answers()
            for name, header in answer.get("headers", {}).items()
        }

    def example_of(self, name: str) -> Any:
        """An example of a schema, from a body that is one of it or a list of it; None without."""
        for media in self._media():
            schema = media["schema"]
            for example in self.examples_of(media).values():
                if schema.get("$ref") == f"{SCHEMAS}{name}":
                    return example
                if schema.get("items", {}).get("$ref") == f"{SCHEMAS}{name}":
                    return example[0]
        return None

    def _raw_operations(self) -> Iterator[tuple[str, str, Any, Sequence[Any]]]:
        """Path, method and operation as written, and the parameters of all on that path."""
        for path, item in self._document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method], item.get("parameters", [])

    def _answers(self) -> Iterator[Any]:
        for _, _, raw, _ in self._raw_operations():
            yield from map(self.follow, raw["responses"].values())

    def _media(self) -> Iterator[Any]:
        for _, _, raw, _ in self._raw_operations():
            yield from self.follow(raw.get("requestBody", {})).get("content", {}).values()
        for answer in self._answers():
            yield from answer.get("content", {}).values()

    def _operation(
        self, path: str, method: str, raw: Mapping[str, Any], shared: Sequence[Any]
    ) -> Operation:
        body = self.follow(raw.get("requestBody", {}))
        media = body.get("content", {}).get(JSON, {})
        requirements = raw.get("security", self._document.get("security", []))
        return Operation(
            id=raw["operationId"],
            method=method.upper(),
            path=path,
            tag=raw["tags"][0],
            sdk=raw["x-sdk"],
            summary=raw["summary"],
            description=raw["description"].strip(),
            role=raw["x-required-role"],
            deprecated=raw.get("deprecated", False),
            schemes=[name for requirement in requirements for name in requirement],
            open=not requirements or {} in requirements,
            arguments=[
                *map(self._parameter, [*shared, *raw.get("parameters", [])]),
                *self._fields(media),
            ],
            body=media.get("schema"),
            body_example=media.get("example"),
            answers=[
                self._answer(int(status), self.follow(answer))
                for status, answer in raw["responses"].items()
            ],
        )

    def _parameter(self, node: Any) -> Argument:
        parameter = self.follow(node)
        return Argument(
            name=parameter["name"],
            place=parameter["in"],
            required=parameter.get("required", False),
            schema=parameter["schema"],
            description=parameter.get("description", ""),
            example=parameter.get("example"),
        )

    def _fields(self, media: Mapping[str, Any]) -> Iterator[Argument]:
        schema = self.follow(media.get("schema", {}))
        for name, field in schema.get("properties", {}).items():
            yield Argument(
                name=name,
                place="body",
                required=name in schema.get("required", []),
                schema=field,
                description=self.follow(field).get("description", ""),
                example=media.get("example", {}).get(name),
            )

    def _answer(self, status: int, raw: Mapping[str, Any]) -> Answer:
        return Answer(
            status=status,
            description=raw["description"].strip(),
            headers=list(raw.get("headers", {})),
            content=raw.get("content", {}),
            links=raw.get("links", {}),
        )
