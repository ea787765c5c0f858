"""Bodies that have another value in one place: at its bounds, beyond them, of another type.

Nothing here says which of them is right: the contract does, for each whole body.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from agentserver_contract.contract.document import Contract, Located
from agentserver_contract.contract.schemas import MAX_BODY_BYTES, MAX_NESTING, is_open, json_path

Steps = tuple[str | int, ...]

_FILLERS = {"ASCII": "x", "two bytes": "é", "four bytes": "😀"}
_ALWAYS = {
    "a NUL": "\0",
    "half of a surrogate pair": "\ud800",
    "sharp s": "ß",
    "a dotted capital I": "İ",
    "a dotless i": "\u0131",
    "a ligature": "ﬁ",
    "a combining accent": "e\u0301",
    "an emoji of several code points": "👩‍👩‍👧",
    "a blank": " ",
}
_SOMETIMES = {
    "a tab": "\t",
    "a line break": "\n",
    "a control character": "\x01",
    "DEL": "\x7f",
    "a no-break space": "\u00a0",
    "a byte order mark": "\ufeff",
    "a line separator": "\u2028",
    "a change of direction": "\u202e",
    "an escaped NUL": "\\u0000",
    "a quote": "'\"",
    "a backslash": "\\",
    "markup": "<b>&lt;",
    "a percent sign": "%00%s",
    "a second at sign": "@",
    "a noncharacter": "\uffff",
    "a letter of two forms": "ŉ",
    "a full-width letter": "\uff21",
}
TEXTS: Mapping[str, str] = {**_ALWAYS, **_SOMETIMES}
"""What every field is given, also those that are secrets: too short to be taken for one."""
EXAMPLE = "the body is the example"
_PADDING = "contract_padding"
_HEADERS: Mapping[str, Mapping[str, str]] = {
    EXAMPLE: {},
    "the body is sent in chunks": {"transfer-encoding": "chunked"},
    "the media type has a charset": {"content-type": "application/json; charset=utf-8"},
    "the media type is in capitals": {"content-type": "Application/JSON"},
    "the media type is left out": {"content-type": ""},
}
_CHOSEN = 5
"""How many of the latter are tried with each text."""
_NUMBERS = ("1.0", "1.5", "1e3", "-0", "-0.0", "1e400", f"1{'0' * 30}", "-1e3")
_LOOKALIKES = {"i": "\u0131", "s": "\u017f", "k": "\u212a", "e": "\u0435"}
"""Letters that become the same in another case, or only look the same."""
_OPEN_JSON: Mapping[str, Any] = {
    "JSON of every kind": {
        "nothing": [None, False, 0, "", [], {}],
        "null": None,
        "fractions": [0.1, -1e-7, 5e-324, 1.7976931348623157e308],
        "": {"a.b": 1, "$ref": "#/c", "__proto__": 2, "A": 3, "a": 4, " a ": " b\t\n"},
        "forms": {"\u00e9": "\u00e9", "e\u0301": "e\u0301", "\U0001f600": "\uffff\u2028"},
    },
    "integers of 54 to 64 bits": [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**64 - 1],
    "an integer of 100 bits": 10**30 + 1,
    "half of a surrogate pair": "\ud800",
    "half of a surrogate pair as a key": {"\udfff": 1},
    "a NUL": "a\0b",
    "a NUL as a key": {"a\0b": 1},
}
"""What is put into a value that may be any JSON."""
_OTHER_TYPES: tuple[tuple[str, Any], ...] = (
    ("null", None),
    ("true", True),
    ("a number", 1),
    ("a number as text", "1"),
    ("an empty text", ""),
    ("an empty array", []),
    ("an empty object", {}),
)


@dataclass(frozen=True)
class RawJson:
    """A number as it is written."""

    text: str


@dataclass(frozen=True)
class Place:
    """A place in a body."""

    steps: Steps
    schema: Mapping[str, Any]
    """The schema of the value there, with references followed."""
    value: Any
    """The example's value."""

    @property
    def field(self) -> str:
        """The field of the body that it is in; empty for the body itself."""
        return str(self.steps[0]) if self.steps else ""

    def __str__(self) -> str:
        return json_path(list(self.steps))


@dataclass(frozen=True)
class Variant:
    """A body, and in what it differs from the example."""

    name: str
    place: Place
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that differ from those of other requests; an empty one is left out."""
    may_be_refused: bool = False
    """Whether not every server can keep it as it is, and one that cannot has to refuse it."""


def variants(
    contract: Contract, schema: Located, example: Any, seed: int | None
) -> Iterator[Variant]:
    """Bodies that differ from an example in one place, each once.

    Args:
        contract: The contract.
        schema: The schema of the body.
        example: A body that is right.
        seed: Chooses some of the rarer characters; without one, each text is tried with few
            characters, and in fewer places of it.
    """
    chance = None if seed is None else random.Random(seed)  # noqa: S311 (chooses what is tried)
    seen = {_written(example)}
    for place in _places(contract, schema, example, ()):
        for name, value in _values(place, chance):
            body = _written(_with(example, place.steps, value))
            if body not in seen:
                seen.add(body)
                yield Variant(f"{place} is {name}", place, body)
        if isinstance(place.value, dict):
            yield from _objects(place, example, seen)
        for name, value in _OPEN_JSON.items() if is_open(place.schema) else ():
            kept = place.value if isinstance(place.value, dict) else {}
            body = _written(_with(example, place.steps, {**kept, "contract": value}))
            yield Variant(f"{place} has {name}", place, body, may_be_refused=True)


def unchanged(contract: Contract, schema: Located, example: Any) -> Iterator[Variant]:
    """The example itself, first as it is, and then sent in each way that changes nothing."""
    whole = next(_places(contract, schema, example, ()))
    body = _written(example)
    for name, headers in _HEADERS.items():
        yield Variant(name, whole, body, headers)
    padding = MAX_BODY_BYTES - len(_written({**example, _PADDING: ""}))
    yield Variant("the body is as large as it may be", whole,
                  _written({**example, _PADDING: "x" * padding}))  # fmt: skip
    nested: list[Any] = []
    for _ in range(MAX_NESTING - 2):
        nested = [nested]
    yield Variant("the body is nested as deep as it may be", whole,
                  _written({**example, _PADDING: nested}))  # fmt: skip


def _places(contract: Contract, schema: Located, value: Any, steps: Steps) -> Iterator[Place]:
    schema = _main(contract, schema)
    yield Place(steps, schema.value, value)
    for name in schema.value.get("properties", {}) if isinstance(value, dict) else ():
        inner = schema.child("properties", name)
        given = value[name] if name in value else _example(contract, inner)
        yield from _places(contract, inner, given, (*steps, name))
    if isinstance(value, list) and value and "items" in schema.value:
        yield from _places(contract, schema.child("items"), value[0], (*steps, 0))


def _main(contract: Contract, schema: Located) -> Located:
    """What a schema refers to; of one that also allows null, the other alternative."""
    schema = contract.follow(schema)
    for keyword in ("anyOf", "oneOf"):
        for index, each in enumerate(schema.value.get(keyword, [])):
            if each.get("type") != "null":
                return _main(contract, schema.child(keyword, index))
    return schema


def _example(contract: Contract, schema: Located) -> Any:
    found = _main(contract, schema).value
    for keyword in ("examples", "enum"):
        if found.get(keyword):
            return found[keyword][0]
    return found.get("example", found.get("minimum"))


def _values(place: Place, chance: random.Random | None) -> Iterator[tuple[str, Any]]:
    yield from _OTHER_TYPES
    schema = place.schema
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "enum" in schema:
        yield from _of_enum(schema["enum"])
    elif "string" in kinds:
        yield from _texts(schema, str(place.value or ""), chance)
    if "integer" in kinds or "number" in kinds:
        yield from _numbers(schema)
    if "array" in kinds and isinstance(place.value, list):
        for keyword, beyond in (("minItems", -1), ("maxItems", 1)):
            if keyword in schema and place.value:
                for count in (schema[keyword], schema[keyword] + beyond):
                    yield f"an array of {count}", (place.value * max(count, 0))[: max(count, 0)]


def _of_enum(known: list[Any]) -> Iterator[tuple[str, Any]]:
    for each in known:
        yield f"{each!r}", each
        if isinstance(each, str):
            yield f"{each!r} in upper case", each.upper()
            yield f"{each!r} with a capital", each.capitalize()
            yield f"{each!r} with a blank before", f" {each}"
            yield f"{each!r} with a blank behind", f"{each} "
            for letter, other in _LOOKALIKES.items():
                if letter in each:
                    yield f"{each!r} with {other!r} for {letter!r}", each.replace(letter, other, 1)
    yield "no known value", "contract-no-such-value"
    yield "an array of a value", known[:1]


def _texts(
    schema: Mapping[str, Any], example: str, chance: random.Random | None
) -> Iterator[tuple[str, Any]]:
    for keyword, beyond in (("minLength", -1), ("maxLength", 1), ("x-max-bytes", 1)):
        if keyword not in schema:
            continue
        for name, filler in _FILLERS.items():
            size = len(filler.encode()) if keyword == "x-max-bytes" else 1
            for length in (schema[keyword], schema[keyword] + beyond):
                yield f"of {keyword} {length}, {name}", _of_length(example, length, filler, size)
    for name, text in _ALWAYS.items():
        yield f"a text with {name}", example + text
    if chance is None:
        return
    for name, text in {**_ALWAYS, **_some(chance)}.items():
        yield f"a text with {name}", example + text
        yield f"{name} alone", text
        yield f"{name} before a text", text + example


def _some(chance: random.Random) -> dict[str, str]:
    return {name: _SOMETIMES[name] for name in chance.sample(sorted(_SOMETIMES), _CHOSEN)}


def _of_length(example: str, length: int, filler: str, size: int) -> str:
    """The example cut or filled to a length, of which each filler takes `size`."""
    missing = length - len(example)
    if missing < 0:
        return example[: max(length, 0)]
    return example + filler * (missing // size) + "x" * (missing % size)


def _numbers(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for keyword, beyond in (("minimum", -1), ("maximum", 1)):
        if keyword in schema:
            for number in (schema[keyword], schema[keyword] + beyond):
                yield f"{number}", number
    for text in _NUMBERS:
        yield text, RawJson(text)


def _objects(place: Place, example: Any, seen: set[bytes]) -> Iterator[Variant]:
    """An object without one of its fields, with another one, or with one twice."""
    fields: dict[str, Any] = place.value
    changed: list[tuple[str, dict[str, Any]]] = [
        ("has an unknown field", {**fields, "contract_unknown": {"a": [1]}})
    ]
    for name, value in fields.items():
        rest = {key: other for key, other in fields.items() if key != name}
        changed.append((f"lacks {name}", rest))
        changed.append((f"has {name.upper()} for {name}", {**rest, name.upper(): value}))
    for name, whole in changed:
        body = _written(_with(example, place.steps, whole))
        if body not in seen:
            seen.add(body)
            yield Variant(f"{place} {name}", place, body)
    if place.steps:
        return
    for name in fields:
        right, wrong = _written(fields)[1:-1], f'"{name}": [[]]'.encode()
        for order, parts in (
            ("wrong at first", (wrong, right)),
            ("right at first", (right, wrong)),
        ):
            body = b"{" + b", ".join(parts) + b"}"
            yield Variant(f"{name} is there twice, {order}", place, body)


def _with(body: Any, steps: Steps, value: Any) -> Any:
    """A body with another value in one place."""
    if not steps:
        return value
    changed = deepcopy(body)
    inner = changed
    for step in steps[:-1]:
        inner = inner[step]
    inner[steps[-1]] = value
    return changed


def _written(body: Any) -> bytes:
    """A body as JSON, with raw numbers as they are."""
    raw: list[str] = []

    def default(value: Any) -> Any:
        raw.append(value.text)
        return f"\x00{len(raw) - 1}\x00"

    text = json.dumps(body, default=default)
    for index, number in enumerate(raw):
        text = text.replace(json.dumps(f"\x00{index}\x00"), number)
    return text.encode()
