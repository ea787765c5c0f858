"""Changes to an answer: its status, headers, media type, body, and the fields of a JSON body."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from answer_places import UNDOCUMENTED, types_of

from agentserver_contract.contract.document import JSON

OTHER_REFUSAL = 422
"""A status that is documented nowhere."""
REMOVED = object()
"""In place of the value of a field: the field is left out."""

_OTHER_SUCCESS = {200: 201, 201: 200, 204: 202}
_hours = count(1)


@dataclass
class Answer:
    """An answer on its way to the client; changes are made in place."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether its media type is JSON."""
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


Apply = Callable[[Answer, str, Mapping[str, Any]], None]
"""Changes an answer, given the path of a header or field, and the schema of the field."""


def of_answers(change: Callable[[Answer], None]) -> Apply:
    """A change to the whole answer."""
    return lambda answer, path, schema: change(answer)


def other_success(answer: Answer) -> None:
    """Another 2xx."""
    answer.status = _OTHER_SUCCESS.get(answer.status, 200)


def other_refusal(answer: Answer) -> None:
    """Another 4xx."""
    answer.status = OTHER_REFUSAL


def refusal_in_json(answer: Answer) -> None:
    """The line of a refusal as the field of an object."""
    answer.set_body(_as_json({"error": answer.body.decode().strip()}), JSON)


def without_header(answer: Answer, name: str, schema: Mapping[str, Any]) -> None:
    """A header is removed."""
    answer.set_header(name, None)


def as_text(answer: Answer) -> None:
    """The body in another media type."""
    answer.set_header("content-type", "text/plain")


def with_body(answer: Answer) -> None:
    """Some JSON for a body."""
    answer.set_body(b'{"status":"ok"}', JSON)


def cut_short(answer: Answer) -> None:
    """The body without its last character."""
    answer.set_body(answer.body[:-1])


def wrapped(answer: Answer) -> None:
    """The body inside an object."""
    answer.set_body(b'{"items":' + answer.body + b"}")


# --- the objects of a JSON body -------------------------------------------------------------------


def of_objects(change: Callable[[dict[str, Any], str], None]) -> Apply:
    """A change to every object that has, or could have, the field with the path."""

    def apply(answer: Answer, path: str, schema: Mapping[str, Any]) -> None:
        if not answer.is_json:
            return
        body = json.loads(answer.body)
        holder, _, name = path.rpartition(".")
        for each in _objects(body, holder.split(".") if holder else []):
            change(each, name)
        answer.set_body(_as_json(body))

    return apply


def rename(found: dict[str, Any], name: str) -> None:
    """`created_at` becomes `createdAt`, by another convention, and `id` becomes `Id`."""
    if name in found:
        head, *rest = name.split("_")
        camel_case = "".join([head, *(word.capitalize() for word in rest)])
        found[camel_case if rest else name.capitalize()] = found.pop(name)


def add_field(found: dict[str, Any], name: str) -> None:
    """There is one more field."""
    found[name] = UNDOCUMENTED


# --- the values of fields -------------------------------------------------------------------------


def of_values(change: Callable[[Any, Mapping[str, Any]], Any]) -> Apply:
    """A change to every value of the field with the path; without a path, to the whole body."""

    def apply(answer: Answer, path: str, schema: Mapping[str, Any]) -> None:
        def in_object(found: dict[str, Any], name: str) -> None:
            if name in found:
                found[name] = change(found[name], schema)
                if found[name] is REMOVED:
                    del found[name]

        if path:
            of_objects(in_object)(answer, path, schema)
        else:
            answer.set_body(_as_json(change(json.loads(answer.body), schema)))

    return apply


def of_another_type(value: Any, schema: Mapping[str, Any]) -> Any:
    """What another server might send for the value."""
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


def out_of_range(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value of the same type that the contract excludes."""
    match value:
        case bool():
            return not value
        case int():
            return -1
        case str():
            return f"not-{value}"
        case _:
            return value


def without_zone(value: Any, schema: Mapping[str, Any]) -> Any:
    """A time without its zone."""
    return re.sub(r"(Z|[+-]\d\d:\d\d)$", "", value) if isinstance(value, str) else value


def other_value(value: Any, schema: Mapping[str, Any]) -> Any:
    """Another value that the contract allows."""
    if "enum" in schema:
        choices = [each for each in schema["enum"] if each is not None]
        return choices[(choices.index(value) + 1) % len(choices)] if value in choices else value
    if value is None:
        return 1 if "integer" in types_of(schema) else _text_for(schema)
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


def _as_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _objects(value: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    """Every object at a path, in every item of the lists on the way."""
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, path)
    elif isinstance(value, dict) and not path:
        yield value
    elif isinstance(value, dict):
        yield from _objects(value.get(path[0]), path[1:])
