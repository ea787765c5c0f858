"""Queries that an operation refuses: each parameter of another type, or beyond its bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from agentserver_contract.contract.document import Contract, Operation
from agentserver_contract.http.messages import Request
from agentserver_contract.variants.drafts import Change

_NO_VALUE = "no such value"


def invalid_queries(contract: Contract, operation: Operation) -> Iterator[tuple[str, Change]]:
    """Each invalid query with the words for it, as a change of the request."""
    for parameter in operation.parameters:
        if parameter.place == "query" and parameter.schema is not None:
            schema = contract.follow(parameter.schema)
            if "items" in schema.value:  # a single value is a list of one item
                schema = contract.follow(schema.child("items"))
            if parameter.required:
                yield f"{parameter.name} is left out", _without(parameter.name)
            for name, value in _invalid(schema.value):
                yield f"{parameter.name} is {name}", _with(parameter.name, value)


def _invalid(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    is_text = schema.get("type") == "string"
    if not is_text or "enum" in schema or schema.get("format") in ("date-time", "uuid"):
        yield "another value than it can have", _NO_VALUE
    if "minimum" in schema:
        yield "below its minimum", str(schema["minimum"] - 1)
    if "maximum" in schema:
        yield "above its maximum", str(schema["maximum"] + 1)
    if schema.get("minLength"):
        yield "shorter than it may be", "x" * (schema["minLength"] - 1)
    if "maxLength" in schema:
        yield "longer than it may be", "x" * (schema["maxLength"] + 1)


def _with(name: str, value: str) -> Change:
    def change(request: Request) -> Request:
        return _asking(request, {**_asked(request), name: value})

    return change


def _without(name: str) -> Change:
    def change(request: Request) -> Request:
        return _asking(request, {key: text for key, text in _asked(request).items() if key != name})

    return change


def _asked(request: Request) -> dict[str, str]:
    """The query of a request that is right, by the names of the parameters."""
    return dict(parse_qsl(request.query))


def _asking(request: Request, query: Mapping[str, str]) -> Request:
    path = request.target.partition("?")[0]
    return replace(request, target=f"{path}?{urlencode(query)}" if query else path)
