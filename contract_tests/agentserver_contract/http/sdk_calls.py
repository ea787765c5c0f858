"""A request as a call of a public method of the SDK, as a person would write it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import unquote_to_bytes

from agentserver.pagination import AsyncCursorPager, AsyncPager, CursorPager, Pager
from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.contract.schemas import media_type
from agentserver_contract.http.messages import Request
from agentserver_contract.http.parameters import (
    UnreadableParameter,
    header_values,
    query_values,
)


class Inexpressible(Exception):
    """The SDK cannot make this call; the text is the reason, the same for all such requests."""


@dataclass(frozen=True)
class Expression:
    """The arguments of the SDK's method, by Python name."""

    arguments: Mapping[str, Any]
    body: Mapping[str, Any] | None
    """The JSON object that the SDK is then expected to send."""
    unknown_fields: frozenset[str]
    """Fields of the body that the contract does not know; a server ignores them."""


def method_of(client: Any, operation: Operation) -> Callable[..., Any]:
    """The public method that `x-sdk` names, on a client.

    Raises:
        Inexpressible: The operation has no place in the SDK, or the SDK has no such method.
    """
    if not operation.sdk:
        raise Inexpressible("the operation has no x-sdk")
    try:
        method: Callable[..., Any] = reduce(getattr, operation.sdk.split("."), client)
    except AttributeError:
        raise Inexpressible("the SDK has no such method") from None
    return method


def express(
    contract: Contract, operation: Operation, request: Request, method: Callable[..., Any]
) -> Expression:
    """The call of `method` that sends this request.

    Raises:
        Inexpressible: There is none.
    """
    if request.method != operation.method:
        raise Inexpressible("a method that the operation does not declare")
    matched = operation.path_pattern.fullmatch(request.path)
    if matched is None:
        raise Inexpressible("a path that is not the operation's")
    values: dict[str, Any] = {}
    for name, raw in zip(operation.path_parameters, matched.groups(), strict=True):
        values[name] = _text(unquote_to_bytes(raw))
    try:
        values.update(query_values(contract, operation, request.query))
        values.update(header_values(contract, operation, request.headers))
    except UnreadableParameter as problem:
        raise Inexpressible(str(problem)) from None
    known, unknown = _body(contract, operation, request)
    values.update(known or {})
    names = python_names(operation, method)
    missing = [name for name in values if name not in names]
    if missing:
        raise Inexpressible("a documented parameter or field that the SDK's method lacks")
    arguments = {names[name]: value for name, value in values.items()}
    return Expression(arguments, known, frozenset(unknown))


def _body(
    contract: Contract, operation: Operation, request: Request
) -> tuple[dict[str, Any] | None, set[str]]:
    """The body's fields that the contract knows, and the names of those it does not."""
    if not request.body:
        if operation.body_required:
            raise Inexpressible("no body where the operation requires one")
        return None, set()
    if operation.body is None:
        raise Inexpressible("a body where the operation reads none")
    if media_type(request.headers.get("content-type")) != JSON:
        raise Inexpressible("a body in another media type")
    try:
        value = json.loads(request.body)
    except ValueError:
        raise Inexpressible("a body that is not JSON") from None
    if not isinstance(value, dict):
        raise Inexpressible("a body that is not an object")
    properties = contract.follow(operation.body).value.get("properties", {})
    known = {name: item for name, item in value.items() if name in properties}
    return known, value.keys() - known.keys()


def python_names(operation: Operation, method: Callable[..., Any]) -> dict[str, str]:
    """The name of each argument in Python, by its name on the wire.

    They differ in case and in what is no letter or digit: `Idempotency-Key` is `idempotency_key`,
    `type` is `type_`. An argument that the method lacks is left out.
    """
    names = {_folded(name): name for name in inspect.signature(method).parameters}
    return {
        each.name: names[_folded(each.name)]
        for each in operation.arguments
        if _folded(each.name) in names
    }


def _folded(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Inexpressible("a path value that is not UTF-8") from None


_PAGERS = (Pager, AsyncPager, CursorPager, AsyncCursorPager)


def whole_answer(value: Any) -> Any:
    """A result of the SDK; of a list that comes in pages, the answer with the first one."""
    return value.answer if isinstance(value, _PAGERS) else value
