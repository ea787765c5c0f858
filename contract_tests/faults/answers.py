"""Faults of an answer, made from the contract: each change, for every operation that can have it.

An id is `operation:change`, then the status where it is not a success, then the header or field:
`get_workspace:field-lost:name`. Where one field or refusal stands for all, which one it is depends
on the operation and the change alone, so that ids stay the same from run to run.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from definitions import AnswerChange, Fault

from agentserver_contract.contract.document import JSON, Contract, Located, Operation, Response

UNDOCUMENTED = "undocumented"
"""The name of the field that no contract has."""

EMPTY_UNTIL = {"admin_list_sandboxes": "create_sandbox"}
"""Operations whose list has no item until the contract has another operation, which makes some."""

NEVER_REFUSED_WITH = 405
"""A documented method is refused only where the operator has switched an operation off."""

FREE_TEXT = frozenset({"message"})
"""Fields in which the server says something to people, in words of its own choice."""

_hours = count(1)

_OTHER_SUCCESS = {200: 201, 201: 200, 204: 202}
_OTHER_REFUSAL = 422
_REMOVED = object()


@dataclass
class Answer:
    """An answer on its way; changes are made in place."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body is said to be JSON."""
        return any(
            name.lower() == b"content-type" and value.startswith(JSON.encode())
            for name, value in self.headers
        )

    def set_header(self, name: str, value: str | None) -> None:
        """Replace a header; None removes it."""
        key = name.lower().encode()
        self.headers = [pair for pair in self.headers if pair[0].lower() != key]
        if value is not None:
            self.headers.append((key, value.encode()))

    def set_body(self, body: bytes, media_type: str | None = None) -> None:
        """Replace the body, and its media type where one is given."""
        self.body = body
        if media_type is not None:
            self.set_header("content-type", media_type)
        self.set_header("content-length", str(len(body)))


@dataclass(frozen=True)
class Field:
    """A documented field of a JSON body, in whichever object of it."""

    path: str
    """Names with dots in between; what is in a list is named as if it were not."""
    schema: Mapping[str, Any]
    """Its schema, references followed; of `X or null` that of X."""
    nullable: bool
    required: bool


Place = tuple[Response, str]
Places = Callable[[Contract, Operation, random.Random], Iterable[Place]]
Apply = Callable[[Answer, str, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Kind:
    """A change that answers of many operations can have."""

    kind: str
    """One of the names in `kinds.toml`."""
    breaks: str
    """What is wrong then; `place` and `status` are filled in."""
    places: Places
    """The answers of an operation, and the places in them, that are changed, each by one fault."""
    apply: Apply
    """Changes an answer, given the place and the schema of the field there."""


def answer_faults(contract: Contract) -> Iterator[Fault]:
    """The faults of every operation's answers, in the order of the contract."""
    for operation in contract.operations.values():
        for name, kind in CHANGES.items():
            draw = random.Random(f"{operation.id} {name}")  # noqa: S311 - the same in every run
            for response, place in kind.places(contract, operation, draw):
                status = [] if response.status < 300 else [str(response.status)]
                yield Fault(
                    id=":".join([operation.id, name, *status, *([place] if place else [])]),
                    side="server",
                    kind=kind.kind,
                    operations=(operation.id,),
                    breaks=kind.breaks.format(place=place, status=response.status),
                    change=AnswerChange(operation.id, response.status, name, place),
                )


def changed(contract: Contract, change: AnswerChange, answer: Answer) -> Answer:
    """The answer as the fault leaves it; one with another status stays the same."""
    copy = Answer(answer.status, list(answer.headers), answer.body)
    if answer.status == change.status:
        response = contract.operations[change.operation].responses[change.status]
        schemas = {field.path: field.schema for field in _fields_of(contract, response)}
        CHANGES[change.change].apply(copy, change.place, schemas.get(change.place, {}))
    return copy


# --- which answers, and which places in them ------------------------------------------------------


def _successes(
    contract: Contract, operation: Operation, draw: random.Random | None = None
) -> Iterator[Place]:
    for response in operation.responses.values():
        if response.status < 300:
            yield response, ""


def _bodiless(contract: Contract, operation: Operation, draw: random.Random) -> Iterator[Place]:
    return (place for place in _successes(contract, operation) if not place[0].content)


def _json_successes(
    contract: Contract, operation: Operation, draw: random.Random
) -> Iterator[Place]:
    return (place for place in _successes(contract, operation) if JSON in place[0].content)


def _a_refusal(contract: Contract, operation: Operation, draw: random.Random) -> Iterator[Place]:
    """One of the refusals in text that a run can meet."""
    refusals = [
        response
        for response in operation.responses.values()
        if 400 <= response.status < 500
        and response.status != NEVER_REFUSED_WITH
        and JSON not in response.content
    ]
    if refusals:
        yield draw.choice(refusals), ""


def _headers(contract: Contract, operation: Operation, draw: random.Random) -> Iterator[Place]:
    """Every promised header of a success, and one of a refusal."""
    for response, _ in _successes(contract, operation):
        yield from (
            (response, name) for name in response.headers if response.headers[name].required
        )
    for response, _ in _a_refusal(contract, operation, draw):
        if promised := [name for name, header in response.headers.items() if header.required]:
            yield response, draw.choice(promised)


def _lists(contract: Contract, operation: Operation, draw: random.Random) -> Iterator[Place]:
    """Every list of things that the answer is, or has in a field."""
    if operation.id not in _empty(contract):
        yield from _whole_lists(contract, operation, draw)
        yield from _each_field(_is_list)(contract, operation, draw)


def _whole_lists(contract: Contract, operation: Operation, draw: random.Random) -> Iterator[Place]:
    for response, _ in _json_successes(contract, operation, draw):
        schema = response.schema(JSON)
        if schema is not None and "array" in _types(contract.follow(schema).value):
            yield response, ""


def _each_field(wanted: Callable[[Field], bool]) -> Places:
    def places(contract: Contract, operation: Operation, draw: random.Random) -> Iterator[Place]:
        if operation.id in _empty(contract):
            return
        for response in operation.responses.values():
            for field in _fields_of(contract, response):
                if wanted(field):
                    yield response, field.path

    return places


def _a_field(wanted: Callable[[Field], bool]) -> Places:
    def places(contract: Contract, operation: Operation, draw: random.Random) -> Iterator[Place]:
        found = list(_each_field(wanted)(contract, operation, draw))
        if found:
            yield draw.choice(found)

    return places


def _a_new_field(contract: Contract, operation: Operation, draw: random.Random) -> Iterator[Place]:
    for response, path in _a_field(_is_required)(contract, operation, draw):
        holder, dot, _ = path.rpartition(".")
        yield response, f"{holder}{dot}{UNDOCUMENTED}"


def _empty(contract: Contract) -> set[str]:
    return {name for name, until in EMPTY_UNTIL.items() if until not in contract.operations}


def _fields_of(contract: Contract, response: Response) -> Iterator[Field]:
    schema = response.schema(JSON)
    if schema is not None:
        yield from _fields(contract, contract.follow(schema), "")


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
    others = [each for each in alternatives if _types(each.value) != {"null"}]
    if len(others) == 1:
        return others[0], len(others) < len(alternatives)
    return schema, "null" in _types(schema.value)


def _types(schema: Mapping[str, Any]) -> set[str]:
    types = schema.get("type", ())
    return {types} if isinstance(types, str) else set(types)


def _is_required(field: Field) -> bool:
    return field.required


def _is_never_null(field: Field) -> bool:
    return field.required and not field.nullable


def _is_nullable(field: Field) -> bool:
    return field.required and field.nullable


def _is_list(field: Field) -> bool:
    return "array" in _types(field.schema)


def _is_time(field: Field) -> bool:
    return field.schema.get("format") == "date-time"


def _is_bounded(field: Field) -> bool:
    return not field.schema.keys().isdisjoint(("enum", "const", "minimum"))


def _has_other_values(field: Field) -> bool:
    has_many = _types(field.schema) & {"string", "integer", "boolean"}
    return bool(has_many) and "const" not in field.schema and field.path not in FREE_TEXT


# --- the changes ----------------------------------------------------------------------------------


def _other_success(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
    answer.status = _OTHER_SUCCESS[answer.status]


def _other_refusal(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
    answer.status = _OTHER_REFUSAL


def _refusal_in_json(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
    answer.set_body(json.dumps({"error": answer.body.decode().strip()}).encode(), JSON)


def _header_lost(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
    answer.set_header(place, None)


def _said_to_be_text(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
    answer.set_header("content-type", "text/plain")


def _with_body(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
    answer.set_body(b'{"status":"ok"}', JSON)


def _cut_short(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
    answer.set_body(answer.body[:-1])


def _wrapped(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
    answer.set_body(b'{"items":' + answer.body + b"}")


def _of_objects(change: Callable[[dict[str, Any], str], None]) -> Apply:
    """A change to every object that has, or could have, the field at the place."""

    def apply(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
        if not answer.is_json:
            return
        body = json.loads(answer.body)
        holder, _, name = place.rpartition(".")
        for each in _objects(body, holder.split(".") if holder else []):
            change(each, name)
        answer.set_body(_as_json(body))

    return apply


def _of_values(change: Callable[[Any, Mapping[str, Any]], Any]) -> Apply:
    """A change to every value of the field at the place; without a place, to the whole body."""

    def apply(answer: Answer, place: str, schema: Mapping[str, Any]) -> None:
        def in_object(found: dict[str, Any], name: str) -> None:
            if name in found:
                found[name] = change(found[name], schema)
                if found[name] is _REMOVED:
                    del found[name]

        if place:
            _of_objects(in_object)(answer, place, schema)
        else:
            answer.set_body(_as_json(change(json.loads(answer.body), schema)))

    return apply


def _as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _objects(value: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    """Every object at a path, in whichever items of lists on the way."""
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, path)
    elif isinstance(value, dict) and not path:
        yield value
    elif isinstance(value, dict):
        yield from _objects(value.get(path[0]), path[1:])


def _rename(found: dict[str, Any], name: str) -> None:
    """`created_at` becomes `createdAt`, as another convention has it, and `id` becomes `Id`."""
    if name in found:
        head, *rest = name.split("_")
        camel_case = "".join([head, *(word.capitalize() for word in rest)])
        found[camel_case if rest else name.capitalize()] = found.pop(name)


def _add(found: dict[str, Any], name: str) -> None:
    found[name] = UNDOCUMENTED


def _of_another_type(value: Any, schema: Mapping[str, Any]) -> Any:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return len(value)
        case dict():
            return [value]
        case _:
            return {}


def _out_of_range(value: Any, schema: Mapping[str, Any]) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return -1
        case str():
            return f"not-{value}"
        case _:
            return value


def _without_zone(value: Any, schema: Mapping[str, Any]) -> Any:
    return re.sub(r"(Z|[+-]\d\d:\d\d)$", "", value) if isinstance(value, str) else value


def _other_value(value: Any, schema: Mapping[str, Any]) -> Any:
    """Another value that the contract allows just as well."""
    if "enum" in schema:
        choices = [each for each in schema["enum"] if each is not None]
        return choices[(choices.index(value) + 1) % len(choices)] if value in choices else value
    if value is None:
        return 1 if "integer" in _types(schema) else _text_for(schema)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if schema.get("format") == "date-time":
        # Each time another one: the same delay everywhere could be the server's clock.
        later = datetime.fromisoformat(value) + timedelta(hours=next(_hours))
        return later.isoformat().replace("+00:00", "Z")
    return value[:-1] + ("0" if value[-1:] != "0" else "1")


def _text_for(schema: Mapping[str, Any]) -> str:
    return "2026-01-01T00:00:00Z" if schema.get("format") == "date-time" else "another"


CHANGES: Mapping[str, Kind] = {
    "other-success-status": Kind(
        "wrong-success-status",
        "a success is answered with another status than {status}",
        _successes,
        _other_success,
    ),
    "other-refusal-status": Kind(
        "undocumented-status",
        f"what is refused with {{status}} is refused with {_OTHER_REFUSAL}",
        _a_refusal,
        _other_refusal,
    ),
    "refusal-in-json": Kind(
        "error-of-another-shape",
        "a refusal with {status} is an object, not a line of text",
        _a_refusal,
        _refusal_in_json,
    ),
    "header-lost": Kind(
        "wrong-header", "{status} comes without the header {place}", _headers, _header_lost
    ),
    "said-to-be-text": Kind(
        "wrong-media-type", "JSON is said to be plain text", _json_successes, _said_to_be_text
    ),
    "body-added": Kind(
        "wrong-media-type", "an answer without content has some", _bodiless, _with_body
    ),
    "body-cut-short": Kind(
        "malformed-body", "the last character of the body is missing", _json_successes, _cut_short
    ),
    "list-wrapped": Kind(
        "field-of-wrong-type", "the list is inside an object", _whole_lists, _wrapped
    ),
    "list-emptied": Kind(
        "list-incomplete", "a list has no items", _lists, _of_values(lambda value, _: [])
    ),
    "list-cut-short": Kind(
        "list-incomplete",
        "the last item of a list is missing",
        _lists,
        _of_values(lambda value, _: value[:-1]),
    ),
    "list-reversed": Kind(
        "wrong-order",
        "the last item of a list comes first",
        _lists,
        _of_values(lambda value, _: value[::-1]),
    ),
    "field-lost": Kind(
        "field-missing",
        "`{place}` is left out",
        _each_field(_is_required),
        _of_values(lambda value, _: _REMOVED),
    ),
    "field-renamed": Kind(
        "field-renamed", "`{place}` has another name", _a_field(_is_required), _of_objects(_rename)
    ),
    "field-added": Kind(
        "extra-field", "there is a field `{place}`", _a_new_field, _of_objects(_add)
    ),
    "field-null": Kind(
        "null-where-not-allowed",
        "`{place}` is null",
        _a_field(_is_never_null),
        _of_values(lambda value, _: None),
    ),
    "null-left-out": Kind(
        "null-left-out",
        "`{place}` is left out where it is null",
        _a_field(_is_nullable),
        _of_values(lambda value, _: _REMOVED if value is None else value),
    ),
    "field-of-other-type": Kind(
        "field-of-wrong-type",
        "`{place}` has another type",
        _a_field(_is_required),
        _of_values(_of_another_type),
    ),
    "value-out-of-range": Kind(
        "value-out-of-range",
        "`{place}` is none of the values that there are",
        _a_field(_is_bounded),
        _of_values(_out_of_range),
    ),
    "time-without-zone": Kind(
        "malformed-time",
        "`{place}` has no time zone",
        _a_field(_is_time),
        _of_values(_without_zone),
    ),
    "other-value": Kind(
        "wrong-value",
        "`{place}` has another value than it should",
        _each_field(_has_other_values),
        _of_values(_other_value),
    ),
}
"""The changes by name."""
