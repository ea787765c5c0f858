"""The values of parameters, read from a query or from headers by style, explode and type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from agentserver_contract.contract.document import Argument, Contract, Operation


class UnreadableParameter(ValueError):
    """A parameter does not have the form that the contract gives it; the text says why."""


_SEPARATORS: Mapping[str, str] = {
    "form": ",",
    "simple": ",",
    "spaceDelimited": " ",
    "pipeDelimited": "|",
}
"""What stands between the items of an array that is written as one value, by style."""

_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def query_values(contract: Contract, operation: Operation, query: str) -> dict[str, Any]:
    """The values in a raw query, by the names of the operation's parameters.

    Raises:
        UnreadableParameter: A parameter is unknown, is given twice, or is of another type.
    """
    declared = {parameter.name: parameter for parameter in operation.parameters_in("query")}
    values: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        ((name, text),) = parse_qsl(pair, keep_blank_values=True) or [("", "")]
        if name not in declared:
            raise UnreadableParameter("a query parameter that the operation does not declare")
        schema = _schema(contract, declared[name])
        if schema.get("type") != "array":
            if name in values:
                raise UnreadableParameter("a query parameter twice")
            values[name] = _typed(schema, text)
        elif _is_exploded(declared[name]):
            values.setdefault(name, []).append(_typed(_items(contract, schema), text))
        else:
            raw = pair.partition("=")[2]
            values[name] = _split(contract, declared[name], raw, schema, unquote)
    return values


def header_values(
    contract: Contract, operation: Operation, headers: Mapping[str, str]
) -> dict[str, Any]:
    """The values of the header parameters that are given, by their names in the contract.

    Args:
        contract: The contract.
        operation: Whose parameters they are.
        headers: By name in lower case.

    Raises:
        UnreadableParameter: A parameter is of another type.
    """
    values: dict[str, Any] = {}
    for parameter in operation.parameters_in("header"):
        text = headers.get(parameter.name.lower())
        if text is None:
            continue
        schema = _schema(contract, parameter)
        if schema.get("type") == "array":
            values[parameter.name] = _split(contract, parameter, text, schema, str.strip)
        else:
            values[parameter.name] = _typed(schema, text.strip(" \t"))
    return values


def written(parameter: Argument, value: Any) -> list[str]:
    """A value as a query or header has it: one text, or several where each item is one."""
    if not isinstance(value, list):
        return [_text(value)]
    items = [_text(item) for item in value]
    return items if _is_exploded(parameter) else [_SEPARATORS[_style(parameter)].join(items)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _schema(contract: Contract, parameter: Argument) -> Mapping[str, Any]:
    return contract.follow(parameter.schema).value if parameter.schema is not None else {}


def _items(contract: Contract, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return contract.resolved(schema.get("items", {}))


def _style(parameter: Argument) -> str:
    default = "form" if parameter.place == "query" else "simple"
    return str(parameter.piece.value.get("style", default))


def _is_exploded(parameter: Argument) -> bool:
    """Whether each item of an array is a parameter of its own."""
    return bool(parameter.piece.value.get("explode", _style(parameter) == "form"))


def _split(
    contract: Contract,
    parameter: Argument,
    text: str,
    schema: Mapping[str, Any],
    cleaned: Callable[[str], str],
) -> list[Any]:
    """The items of an array that is written as one value."""
    separator = _SEPARATORS.get(_style(parameter))
    if separator is None:
        raise UnreadableParameter(f"the style {_style(parameter)}")
    if separator == " ":
        text = text.replace("%20", " ").replace("+", " ")
    items = _items(contract, schema)
    return [_typed(items, cleaned(item)) for item in text.split(separator)] if text else []


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    """A text with the type that its schema gives it."""
    kinds = schema.get("type", "string")
    kind = next((each for each in kinds if each != "null"), "string") if _is_list(kinds) else kinds
    if kind == "string":
        return _time(text) if schema.get("format") == "date-time" else text
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text)
    raise UnreadableParameter("a parameter of another type")


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _time(text: str) -> datetime | str:
    """A time as a program has it; text that is none, or that Python has no time for, stays text."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    return time if time.tzinfo is not None else text
