"""Changes that break a caller: `python -m agentserver_contract.contract.breaking OLD NEW`.

A caller is a program that speaks HTTP or the SDK, so names that only the SDK shows (`x-sdk`, path
parameters) count too. What is sent may only become wider, what comes back only narrower.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentserver_contract.contract.document import Argument, Contract, Located, Operation, load
from agentserver_contract.contract.roles import REQUIRED_ROLES, may_call
from agentserver_contract.contract.source import ContractError

NARROWER, WIDER, OTHER = "narrower", "wider", "other"
_BREAKS = {"request": {NARROWER, OTHER}, "response": {WIDER, OTHER}}

_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS = (
    "maximum",
    "exclusiveMaximum",
    "maxLength",
    "maxItems",
    "maxProperties",
    "x-max-bytes",
)


@dataclass(frozen=True)
class Change:
    """One change that breaks a caller."""

    operation: str
    rule: str
    at: str
    detail: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.at}: {self.detail} [{self.rule}]"


@dataclass(frozen=True)
class _Difference:
    direction: str
    rule: str
    at: str
    detail: str


def breaking_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """Every change from `old` to `new` that breaks a caller of `old`."""
    later = {_call(operation): operation for operation in new.operations.values()}
    for before in old.operations.values():
        after = later.get(_call(before))
        name = f"{before.id} ({before.method} {before.path})"
        if after is None:
            yield Change(name, "operation-removed", "operation", "is gone")
            continue
        comparison = _Comparison(old, new, before, after)
        for rule, at, detail in comparison.differences():
            yield Change(name, rule, at, detail)


def _call(operation: Operation) -> tuple[str, str]:
    """What of an operation is on the wire: the names of path parameters are not."""
    return operation.method, re.sub(r"\{[^{}]+\}", "{}", operation.path)


_Found = Iterator[tuple[str, str, str]]


class _Comparison:
    """One operation, before and after."""

    def __init__(self, old: Contract, new: Contract, before: Operation, after: Operation) -> None:
        self._old, self._new, self._before, self._after = old, new, before, after

    def differences(self) -> _Found:
        yield from self._names()
        yield from self._access()
        yield from self._parameters()
        yield from self._body()
        yield from self._responses()

    def _names(self) -> _Found:
        before, after = self._before, self._after
        if before.id != after.id:
            yield "operation-id-changed", "operationId", f"{before.id} became {after.id}"
        if before.sdk != after.sdk:
            yield "sdk-moved", "x-sdk", f"{before.sdk} became {after.sdk}"
        for was, now in zip(before.path_parameters, after.path_parameters, strict=True):
            if was != now:
                detail = f"{was} became {now}, which names an argument in the SDK"
                yield "path-parameter-renamed", f"path {was}", detail

    def _access(self) -> _Found:
        before, after = self._before, self._after
        lost = [
            alternative
            for alternative in before.security or (frozenset[str](),)
            if not any(now <= alternative for now in after.security or (frozenset[str](),))
        ]
        for alternative in lost:
            used = " and ".join(sorted(alternative)) or "no credential"
            yield "security-tightened", "security", f"{used} is no longer enough"
        was, now = before.required_role, after.required_role
        if was != now and not _callers(was) <= _callers(now):
            yield "role-raised", "x-required-role", f"{was} became {now}"

    def _parameters(self) -> _Found:
        was = {_place(parameter): parameter for parameter in self._before.parameters}
        now = {_place(parameter): parameter for parameter in self._after.parameters}
        for place, parameter in was.items():
            if place.startswith("path "):
                continue
            if place not in now:
                yield "parameter-removed", place, "is gone"
            elif now[place].required and not parameter.required:
                yield "parameter-required", place, "has become required"
        for place, parameter in now.items():
            if place not in was and parameter.required and not place.startswith("path "):
                yield "parameter-required", place, "is new and required"
        paired = [(place, was[place], now[place]) for place in was if place in now]
        for place, one, other in paired:
            if one.schema and other.schema:
                yield from self._schemas("request", place, one.schema, other.schema)

    def _body(self) -> _Found:
        before, after = self._before, self._after
        if after.body_required and not before.body_required:
            yield "body-required", "request body", "has become required"
        if before.body and not after.body:
            yield "body-removed", "request body", "is no longer read"
        if before.body and after.body:
            yield from self._schemas("request", "request body $", before.body, after.body)

    def _responses(self) -> _Found:
        for status, was in self._before.responses.items():
            now = self._after.responses.get(status)
            if now is None:
                yield "status-removed", f"response {status}", "is gone"
                continue
            for name, header in was.headers.items():
                kept = now.headers.get(name)
                if kept is None:
                    yield "header-removed", f"response {status}", f"{name} is gone"
                elif header.required and not kept.required:
                    yield "header-removed", f"response {status}", f"{name} is no longer promised"
            for media_type in was.content:
                if media_type not in now.content:
                    detail = f"{media_type} is gone"
                    yield "media-type-removed", f"response {status}", detail
                    continue
                schema, later = was.schema(media_type), now.schema(media_type)
                if schema and later:
                    at = f"response {status} {media_type} $"
                    yield from self._schemas("response", at, schema, later)
        for status in self._after.responses:
            if status < 300 and status not in self._before.responses:
                yield (
                    "success-added",
                    f"response {status}",
                    "is a new success, which no caller expects",
                )

    def _schemas(self, side: str, at: str, old: Located, new: Located) -> _Found:
        for found in _Schemas(self._old, self._new).differences(old, new, at):
            if found.direction in _BREAKS[side]:
                yield f"{side}-{found.rule}", found.at, found.detail


def _callers(role: str | None) -> frozenset[str]:
    """Those who may call what requires a role; one that is unknown stands for itself."""
    return may_call(role) if role in REQUIRED_ROLES else frozenset({str(role)})


def _place(parameter: Argument) -> str:
    return f"{parameter.place} {parameter.name}"


class _Schemas:
    """How the values that a schema allows changed."""

    def __init__(self, old: Contract, new: Contract) -> None:
        self._old, self._new = old, new

    def differences(
        self,
        old: Located,
        new: Located,
        at: str,
        above: frozenset[tuple[str, str]] = frozenset(),
    ) -> Iterator[_Difference]:
        """The differences at `at` and below; `above` are the pairs that are being compared."""
        pair = (old.pointer, new.pointer)
        if pair in above:
            return
        above |= {pair}
        old, new = self._old.follow(old), self._new.follow(new)
        if not isinstance(old.value, Mapping) or not isinstance(new.value, Mapping):
            if old.value != new.value:
                yield _Difference(OTHER, "retyped", at, f"{old.value} became {new.value}")
            return
        yield from _value_differences(old.value, new.value, at)
        yield from _object_differences(old.value, new.value, at)
        yield from _part_differences(old.value, new.value, at)
        for one, other, where in _shared_parts(old, new, at):
            yield from self.differences(one, other, where, above)
        for keyword in ("anyOf", "oneOf"):
            ones, others = _listed(old, keyword), _listed(new, keyword)
            if ones and others:
                yield from self._alternatives(ones, others, at, above)

    def _alternatives(
        self,
        ones: Sequence[Located],
        others: Sequence[Located],
        at: str,
        above: frozenset[tuple[str, str]],
    ) -> Iterator[_Difference]:
        """Alternatives have no names: each is compared with the one that differs least."""
        found = [[list(self.differences(a, b, at, above)) for b in others] for a in ones]
        for forwards in found:
            yield from (item for item in min(forwards, key=len) if item.direction != WIDER)
        for backwards in zip(*found, strict=True):
            yield from (item for item in min(backwards, key=len) if item.direction == WIDER)


def _listed(schema: Located, keyword: str) -> list[Located]:
    return [schema.child(keyword, index) for index in range(len(schema.value.get(keyword, [])))]


def _shared_parts(old: Located, new: Located, at: str) -> Iterator[tuple[Located, Located, str]]:
    """The schemas inside that both have, and where they stand."""
    for name in old.value.get("properties", {}):
        if name in new.value.get("properties", {}):
            yield old.child("properties", name), new.child("properties", name), f"{at}.{name}"
    for keyword, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if all(isinstance(side.value.get(keyword), Mapping) for side in (old, new)):
            yield old.child(keyword), new.child(keyword), f"{at}{suffix}"
    ones, others = _listed(old, "allOf"), _listed(new, "allOf")
    if len(ones) == len(others):
        yield from ((one, other, at) for one, other in zip(ones, others, strict=True))


def _part_differences(
    old: Mapping[str, Any], new: Mapping[str, Any], at: str
) -> Iterator[_Difference]:
    """Parts that only one side has."""
    for keyword, rule in (("items", "items"), ("anyOf", "alternatives"), ("oneOf", "alternatives")):
        if (keyword in old) != (keyword in new):
            direction, what = (NARROWER, "is new") if keyword in new else (WIDER, "is gone")
            yield _Difference(direction, rule, at, f"{keyword} {what}")
    if len(old.get("allOf", [])) != len(new.get("allOf", [])):
        yield _Difference(OTHER, "alternatives", at, "allOf has other parts")


def _value_differences(
    old: Mapping[str, Any], new: Mapping[str, Any], at: str
) -> Iterator[_Difference]:
    """Types, enumerations, bounds, patterns and formats."""
    was, now = _types(old), _types(new)
    if was - now:
        yield _Difference(NARROWER, "retyped", at, f"{_names(was)} became {_names(now)}")
    if now - was:
        yield _Difference(WIDER, "retyped", at, f"{_names(was)} became {_names(now)}")
    values, later = _enum(old), _enum(new)
    if later is not None and (values is None or values - later):
        lost = _names(values - later) if values is not None else "every other value"
        yield _Difference(NARROWER, "enum", at, f"{lost} is no longer allowed")
    if values is not None and (later is None or later - values):
        added = _names(later - values) if later is not None else "every other value"
        yield _Difference(WIDER, "enum", at, f"{added} is allowed now")
    for keywords, tighter in ((_LOWER_BOUNDS, 1), (_UPPER_BOUNDS, -1)):
        for keyword in keywords:
            one, other = old.get(keyword), new.get(keyword)
            if one == other:
                continue
            narrowed = one is None or (other is not None and (other - one) * tighter > 0)
            detail = f"{keyword} {one} became {other}".replace("None", "none")
            yield _Difference(NARROWER if narrowed else WIDER, "bound", at, detail)
    for keyword in ("pattern", "format"):
        one, other = old.get(keyword), new.get(keyword)
        if one != other:
            direction = NARROWER if one is None else WIDER if other is None else OTHER
            detail = f"{keyword} {one} became {other}".replace("None", "none")
            yield _Difference(direction, keyword, at, detail)
    if bool(old.get("uniqueItems")) != bool(new.get("uniqueItems")):
        direction = NARROWER if new.get("uniqueItems") else WIDER
        yield _Difference(direction, "bound", at, "uniqueItems changed")


def _object_differences(
    old: Mapping[str, Any], new: Mapping[str, Any], at: str
) -> Iterator[_Difference]:
    """Fields and which of them are required."""
    was, now = set(old.get("required", [])), set(new.get("required", []))
    for name in old.get("properties", {}):
        if name not in new.get("properties", {}):
            yield _Difference(OTHER, "field-removed", f"{at}.{name}", "is gone")
    for name in sorted(now - was):
        yield _Difference(NARROWER, "field-required", f"{at}.{name}", "has become required")
    for name in sorted(was - now):
        if name in new.get("properties", {}):
            yield _Difference(WIDER, "field-optional", f"{at}.{name}", "is no longer always there")
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield _Difference(NARROWER, "closed", at, "unknown fields are refused now")


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    types = schema.get("type", ())
    return frozenset([types] if isinstance(types, str) else types)


def _enum(schema: Mapping[str, Any]) -> frozenset[str] | None:
    """The values allowed, each as JSON text so that 1 and true differ."""
    if "const" in schema:
        return frozenset([json.dumps(schema["const"])])
    if "enum" in schema:
        return frozenset(json.dumps(value) for value in schema["enum"])
    return None


def _names(values: frozenset[str]) -> str:
    return ", ".join(sorted(values)) or "any type"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 nothing breaks, 1 something does, 2 a contract cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m agentserver_contract.contract.breaking",
        description="Lists the changes between two contracts that break a caller.",
        epilog="Exit status: 0 nothing breaks, 1 something breaks, 2 a contract cannot be read.",
    )
    parser.add_argument(
        "old", type=Path, metavar="OLD", help="the contract that callers know (JSON or YAML)"
    )
    parser.add_argument("new", type=Path, metavar="NEW", help="the contract that is to replace it")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    options = parser.parse_args(arguments)
    try:
        changes = list(breaking_changes(load(options.old), load(options.new)))
    except ContractError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    if options.format == "json":
        print(json.dumps([asdict(change) for change in changes], indent=2))
    else:
        for change in changes:
            print(change)
        print(f"{len(changes)} breaking changes" if changes else "nothing breaks")
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main())
