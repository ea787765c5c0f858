"""An operation as a method of the SDK: its arguments, a call of it, what it returns and raises."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from layout import code

from agentserver import Client
from agentserver._errors import QuotaExceeded, class_for
from agentserver_contract.contract.document import JSON, Argument, Operation
from agentserver_contract.http import sdk_calls

LONGEST_LINE = 76
ERRORS = "../sdk/errors.md#agentserver."
MODELS = "../sdk/models.md#agentserver.models."
LISTS = {
    "Page": "../sdk/models.md#agentserver.Page",
    "Pager": "../sdk/models.md#agentserver.pagination.Pager",
    "CursorPager": "../sdk/models.md#agentserver.pagination.CursorPager",
}


def method_of(operation: Operation) -> Callable[..., Any]:
    """The method that calls an operation."""
    found: Any = _client()
    for name in operation.sdk.split("."):
        found = getattr(found, name)
    method: Callable[..., Any] = found
    return method


def path_of(operation: Operation) -> str:
    """Where the method is defined."""
    method = method_of(operation)
    return f"{method.__module__}.{method.__qualname__}"


def python_names(operation: Operation) -> Mapping[str, str]:
    """The name of each argument in Python, by its name on the wire."""
    return sdk_calls.python_names(operation, method_of(operation))


def call(operation: Operation, *, asynchronous: bool = False) -> str:
    """The call with the values of the contract's example."""
    names = python_names(operation)
    given = [
        f"{names[each.name]}={_argument(each)}"
        for each in operation.arguments
        if each.example is not None
    ]
    begin = f"{'await ' if asynchronous else ''}client.{operation.sdk}("
    line = f"{begin}{', '.join(given)})"
    if len(line) <= LONGEST_LINE:
        return line
    return "\n".join([begin, *(f"    {each}," for each in given), ")"])


def returned(operation: Operation, status: int) -> str:
    """What the method returns for a success, linked to its model."""
    if status in operation.responses and "Location" in operation.responses[status].headers:
        return f"the address in {code('Location')} as {code('str')}"
    types = inspect.signature(method_of(operation)).return_annotation.split(" | ")
    statuses = [each.status for each in operation.successes]
    # Successes of one type share it.
    annotation = types[statuses.index(status) if len(types) == len(statuses) else 0]
    listed = re.fullmatch(rf"({'|'.join(LISTS)})\[(\w+)\]", annotation)
    model = listed[2] if listed else annotation
    if model == "None":
        return code("None")
    linked = f"[{code(model)}]({MODELS}{model})"
    return f"[{code(listed[1])}]({LISTS[listed[1]]}) of {linked}" if listed else linked


def raised(status: int, body: Mapping[str, Any]) -> str:
    """The error that a response raises, linked; an exhausted quota has its own class."""
    kinds = [class_for(status)]
    if status == QuotaExceeded.STATUS and JSON in body:
        kinds.insert(0, QuotaExceeded)
    return ", ".join(f"[{code(kind.__name__)}]({ERRORS}{kind.__name__})" for kind in kinds)


@cache
def _client() -> Client:
    return Client("http://127.0.0.1")


def _argument(argument: Argument) -> str:
    schema = argument.schema.value if argument.schema else {}
    if schema.get("format") == "date-time":
        return f'datetime.fromisoformat("{argument.example}")'
    return _literal(argument.example)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        items = (f"{_literal(key)}: {_literal(item)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    return repr(value)
