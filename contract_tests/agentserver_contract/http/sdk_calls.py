"""A request as a call of a public method of the SDK, as a person would write it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from agentserver_contract.contract.document import JSON, Contract, Operation
from agentserver_contract.contract.schemas import media_type
from agentserver_contract.http.messages import Request


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
    values.update(_query(contract, operation, request.query))
    known, unknown = _body(contract, operation, request)
    values.update(known or {})
    names = _python_names(method)
    missing = [name for name in values if name not in names]
    if missing:
        raise Inexpressible("a documented parameter or field that the SDK's method lacks")
    arguments = {names[name]: value for name, value in values.items()}
    return Expression(arguments, known, frozenset(unknown))


def _query(contract: Contract, operation: Operation, query: str) -> dict[str, Any]:
    declared = {
        parameter.name: contract.follow(parameter.schema).value if parameter.schema else {}
        for parameter in operation.parameters_in("query")
    }
    values: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in declared:
            raise Inexpressible("a query parameter that the operation does not declare")
        if declared[name].get("type") == "array":
            items = declared[name].get("items", {})
            values.setdefault(name, []).append(_typed(items, text))
        elif name in values:
            raise Inexpressible("a query parameter twice")
        else:
            values[name] = _typed(declared[name], text)
    return values


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


def _python_names(method: Callable[..., Any]) -> dict[str, str]:
    """The method's parameters by the name that they have on the wire: `type_` is `type`."""
    return {name.removesuffix("_"): name for name in inspect.signature(method).parameters}


_INTEGER = re.compile(r"-?(0|[1-9]\d*)")


def _typed(schema: Mapping[str, Any], text: str) -> Any:
    """A query value with the type that its schema gives it."""
    kind = schema.get("type", "string")
    if kind == "string":
        return text
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            pass
    raise Inexpressible("a query value of another type")


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Inexpressible("a path value that is not UTF-8") from None
