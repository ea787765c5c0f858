"""Which answers of an operation a fault changes, and at which places in them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentserver_contract.contract.document import JSON, Contract, Located, Operation, Response
from agentserver_contract.data.tables import tables

UNDOCUMENTED = "undocumented"
"""The name of a field that no contract has."""

NEVER_REFUSED_WITH = 405
"""A documented method is refused only where the operator has switched an operation off."""

UNMET = ("logins-without-a-provider", "no-provider-for-logins")
"""The waivers of answers that no run meets, since they take a service that it does not have."""

FREE_TEXT = frozenset({"message"})
"""Fields for people, whose words the server chooses."""


@dataclass(frozen=True)
class Place:
    """A documented answer, and where a change is made in it."""

    response: Response
    path: str = ""
    """The name of a header, or the path of a field as in `Field`; empty for the whole answer."""


@dataclass(frozen=True)
class Field:
    """A documented field of a JSON body."""

    path: str
    """Names with dots in between, as in `owner.email`; of a list, that field of every item."""
    schema: Mapping[str, Any]
    """Its schema, references followed; of `X or null` that of X."""
    nullable: bool
    required: bool

    @property
    def types(self) -> set[str]:
        """The JSON types of its values."""
        return types_of(self.schema)

    @property
    def never_null(self) -> bool:
        """Whether there always is a value."""
        return self.required and not self.nullable

    @property
    def null_when_unknown(self) -> bool:
        """Whether there must be null where there is no value."""
        return self.required and self.nullable

    @property
    def is_time(self) -> bool:
        """Whether it is a time as RFC 3339 writes it."""
        return self.schema.get("format") == "date-time"

    @property
    def is_bounded(self) -> bool:
        """Whether the contract excludes values of the right type."""
        return not self.schema.keys().isdisjoint(("enum", "const", "minimum"))

    @property
    def has_other_values(self) -> bool:
        """Whether another value would be valid, too, and wrong."""
        has_values = not self.types.isdisjoint(("string", "integer", "boolean"))
        return has_values and "const" not in self.schema and self.path not in FREE_TEXT


@dataclass(frozen=True)
class Answers:
    """The documented answers of one operation."""

    contract: Contract
    operation: Operation
    draw: random.Random
    """Chooses where one place stands for all."""

    def met(self) -> list[Response]:
        """Those that a run can meet."""
        waivers = [each for each in tables().waivers if each.name in UNMET]
        return [
            response
            for response in self.operation.responses.values()
            if not any(
                each.covers(self.operation.id, response.status, {each.when}) for each in waivers
            )
        ]

    def successes(self) -> list[Response]:
        """Those that are no refusal."""
        return [each for each in self.met() if not each.is_error]

    def refusals(self) -> list[Response]:
        """Refusals in text that a run can meet."""
        return [
            response
            for response in self.met()
            if 400 <= response.status < 500
            and response.status != NEVER_REFUSED_WITH
            and JSON not in response.content
        ]

    def fields(self) -> Iterator[tuple[Response, Field]]:
        """Every field of every JSON body."""
        for response in self.met():
            for field in fields_of(self.contract, response):
                yield response, field


Places = Callable[[Answers], Iterable[Place]]
"""The places that are changed, each by one fault."""


def each_success(answers: Answers) -> Iterator[Place]:
    """Every success."""
    return map(Place, answers.successes())


def each_success_without_body(answers: Answers) -> Iterator[Place]:
    """Every success that has no body."""
    return (Place(each) for each in answers.successes() if not each.content)


def each_json_success(answers: Answers) -> Iterator[Place]:
    """Every success in JSON."""
    return (Place(each) for each in answers.successes() if JSON in each.content)


def a_refusal(answers: Answers) -> Iterator[Place]:
    """One of the refusals."""
    if refusals := answers.refusals():
        yield Place(answers.draw.choice(refusals))


def headers(answers: Answers) -> Iterator[Place]:
    """Every required header of a success, and one of a refusal."""
    for response in answers.successes():
        yield from (Place(response, name) for name in _required_headers(response))
    for place in a_refusal(answers):
        if names := _required_headers(place.response):
            yield Place(place.response, answers.draw.choice(names))


def each_whole_list(answers: Answers) -> Iterator[Place]:
    """Every success that is a list."""
    for place in each_json_success(answers):
        schema = place.response.schema(JSON)
        if schema is not None and "array" in types_of(answers.contract.follow(schema).value):
            yield place


def each_list(answers: Answers) -> Iterator[Place]:
    """Every list, the whole answer or a field."""
    yield from each_whole_list(answers)
    yield from each_field(lambda field: "array" in field.types)(answers)


def each_field(is_wanted: Callable[[Field], bool]) -> Places:
    """Every field of a kind."""
    return lambda answers: (
        Place(response, field.path) for response, field in answers.fields() if is_wanted(field)
    )


def a_field(is_wanted: Callable[[Field], bool]) -> Places:
    """One of the fields of a kind."""

    def places(answers: Answers) -> Iterator[Place]:
        if found := list(each_field(is_wanted)(answers)):
            yield answers.draw.choice(found)

    return places


def a_new_field(answers: Answers) -> Iterator[Place]:
    """A field that is not documented, beside one that is."""
    for place in a_field(lambda field: field.required)(answers):
        holder, dot, _ = place.path.rpartition(".")
        yield Place(place.response, f"{holder}{dot}{UNDOCUMENTED}")


def fields_of(contract: Contract, response: Response) -> Iterator[Field]:
    """Every field of an answer's JSON body, those inside others too."""
    schema = response.schema(JSON)
    if schema is not None:
        yield from _fields(contract, contract.follow(schema), "")


def types_of(schema: Mapping[str, Any]) -> set[str]:
    """The JSON types that a schema allows; none where it names none."""
    types = schema.get("type", ())
    return {types} if isinstance(types, str) else set(types)


def _required_headers(response: Response) -> list[str]:
    return [name for name, header in response.headers.items() if header.required]


def _fields(contract: Contract, schema: Located, path: str) -> Iterator[Field]:
    if "items" in schema.value:
        yield from _fields(contract, contract.follow(schema.child("items")), path)
    for name in schema.value.get("properties", {}):
        found, nullable = _not_null(contract, contract.follow(schema.child("properties", name)))
        at = f"{path}.{name}" if path else name
        yield Field(at, found.value, nullable, name in schema.value.get("required", ()))
        yield from _fields(contract, found, at)


def _not_null(contract: Contract, schema: Located) -> tuple[Located, bool]:
    """A schema without the null that it allows, and whether it allows it."""
    alternatives = [
        contract.follow(schema.child("anyOf", index))
        for index in range(len(schema.value.get("anyOf", ())))
    ]
    others = [each for each in alternatives if types_of(each.value) != {"null"}]
    if len(others) == 1:
        return others[0], len(others) < len(alternatives)
    return schema, "null" in types_of(schema.value)
