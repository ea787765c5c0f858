"""Fields that the contract does not describe, in bodies whose objects may otherwise have any."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentserver_contract.contract.document import Contract, Located
from agentserver_contract.contract.schemas import json_path

Steps = list[str | int]


@dataclass(frozen=True)
class UnknownField:
    """A field that no schema of its object describes."""

    at: str
    """JSON path; an index of an array stands as `[]`, so that all its items are one place."""
    name: str
    value: Any


class FieldCheck:
    """Finds the fields of a body that the contract does not describe.

    Args:
        contract: Describes the fields.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._closed = Contract(_closed(contract))

    def unknown_fields(self, schema: Located, value: Any) -> Iterator[UnknownField]:
        """The fields of a value that its schema does not describe, those of the whole value first.

        An object without any described field is described as a whole.
        """
        # Mostly there are none, and the compiled schema tells so quickly.
        if not self._closed.validator(schema).is_valid(value):
            yield from self._walk([schema], value, [])

    def _walk(self, schemas: list[Located], value: Any, steps: Steps) -> Iterator[UnknownField]:
        schemas = list(self._alternatives(schemas))
        if isinstance(value, list):
            items = [each.child("items") for each in schemas if "items" in each.value]
            for item in value if items else ():
                yield from self._walk(items, item, [*steps, "[]"])
        elif isinstance(value, Mapping):
            known = [each for each in schemas if "properties" in each.value]
            is_open = any(each.value.get("additionalProperties") for each in schemas)
            for name, item in value.items() if known and not is_open else ():
                places = [
                    each.child("properties", name)
                    for each in known
                    if name in each.value["properties"]
                ]
                if places:
                    yield from self._walk(places, item, [*steps, name])
                else:
                    yield UnknownField(json_path([*steps, name]).replace(".[]", "[]"), name, item)

    def _alternatives(self, schemas: list[Located]) -> Iterator[Located]:
        """The schemas with references followed, and all that they are composed of."""
        for schema in map(self._contract.follow, schemas):
            yield schema
            for keyword in ("allOf", "anyOf", "oneOf"):
                parts = range(len(schema.value.get(keyword, [])))
                yield from self._alternatives([schema.child(keyword, index) for index in parts])


def _closed(contract: Contract) -> dict[str, Any]:
    """The document with schemas that describe all fields of their objects."""
    document = copy.deepcopy(dict(contract.document))
    for piece in Contract(document).walk():
        value = piece.value
        if isinstance(value.get("properties"), dict) and "additionalProperties" not in value:
            value["unevaluatedProperties"] = False
    return document
