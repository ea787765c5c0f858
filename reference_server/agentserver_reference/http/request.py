"""Reading requests: parameters and JSON bodies, validated against the contract."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect, Request

from agentserver_reference.contract import Body, Parameter, Shape
from agentserver_reference.domain.errors import BadRequest, Refusal
from agentserver_reference.domain.free_json import check_free_json
from agentserver_reference.http.explanations import explain

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 100

_decode = msgspec.json.Decoder().decode


class PayloadTooLarge(Refusal):
    """The body is too long."""


class OutOfRange(Refusal):
    """A number in the body is out of its range, and nothing else is wrong with the body."""


class UnsupportedMediaType(Refusal):
    """The `Content-Type` is not JSON."""


async def read_body(request: Request, body: Body) -> dict[str, Any] | None:
    """Return the body, with its documented fields only; None for an omitted optional body.

    Raises:
        UnsupportedMediaType, PayloadTooLarge, BadRequest, OutOfRange: naming the field and the
            rule.
        ClientDisconnect: the client has gone before the end of the body.
    """
    _check_media_type(request)
    raw = await read_bytes(request, MAX_BYTES)
    if not raw and not body.required:
        return None
    value = _parse(raw)
    try:
        body.validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        raise _refusal(body, value, error) from None
    pruned: dict[str, Any] = _prune(value, body.shape)
    for name, each in pruned.items():
        check_free_json(name, each)  # schemas say so of texts, but not of what they leave open
    return pruned


def _refusal(body: Body, value: Any, first: jsonschema_rs.ValidationError) -> Refusal:
    """Return what a body is refused with, whose first error is known."""
    if not body.has_ranges:
        return BadRequest(explain(first, body.examples))
    errors = list(body.validator.iter_errors(value))
    others = [each for each in errors if each.kind.name not in _RANGES]
    refusal = BadRequest if others else OutOfRange
    return refusal(explain((others or errors)[0], body.examples))


_RANGES = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _check_media_type(request: Request) -> None:
    given = request.headers.get("content-type")
    if given is not None and given.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("Content-Type: must be application/json")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding: must be left out, bodies are not unpacked")


async def read_bytes(request: Request, limit: int) -> bytes:
    """Read the body, but no further than the limit.

    Raises PayloadTooLarge, and ClientDisconnect if the client has gone before its end.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal():
        _check_length(int(announced), limit)
    # Not Request.stream: an asynchronous generator takes longer than the few messages of a body.
    chunks, length, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        length += len(chunk)
        _check_length(length, limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _check_length(length: int, limit: int) -> None:
    if length > limit:
        raise PayloadTooLarge(f"body: must not be over {limit} bytes")


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        value = _decode(raw)
    except RecursionError:
        raise BadRequest(_TOO_DEEP) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest("body: must be JSON") from None
    if not isinstance(value, dict):
        raise BadRequest("body: must be one JSON object")
    if _is_too_deep(value):
        raise BadRequest(_TOO_DEEP)
    return value


_TOO_DEEP = f"body: must not nest more than {MAX_DEPTH} levels"


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _containers(parent)]
        if not level:
            return False
    return True


def _containers(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    return [child for child in children if isinstance(child, dict | list)]


def _prune(value: Any, shape: Shape) -> Any:
    """Return only the documented fields; a number such as 1.0 becomes an integer."""
    if isinstance(shape, dict) and isinstance(value, dict):
        return {name: _prune(value[name], inner) for name, inner in shape.items() if name in value}
    if isinstance(shape, list) and isinstance(value, list):
        return [_prune(item, shape[0]) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def read_query(parameters: tuple[Parameter, ...], given: QueryParams) -> dict[str, Any]:
    """Return the values of the documented query parameters, by name; others are ignored.

    If a parameter is repeated and not an array, the last value counts.

    Raises:
        BadRequest: naming the parameter and the rule.
    """
    return _read_parameters(parameters, given.getlist)


def read_headers(parameters: tuple[Parameter, ...], given: Headers) -> dict[str, Any]:
    """Return the values of the documented headers, by their names in the contract.

    Raises:
        BadRequest: naming the header and the rule.
    """
    return _read_parameters(parameters, given.getlist)


def _read_parameters(
    parameters: tuple[Parameter, ...], given: Callable[[str], list[str]]
) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for parameter in parameters:
        texts = given(parameter.name)
        if texts:
            read[parameter.name] = value = _value(parameter, texts)
            try:
                parameter.validator.validate(value)
            except jsonschema_rs.ValidationError as error:
                raise BadRequest(explain(error, {}, at=parameter.name)) from None
            if isinstance(value, str):
                # No database can hold NUL: as in paths, a text with one names nothing.
                read[parameter.name] = value.replace("\0", "\ufffd")
        elif parameter.required:
            raise BadRequest(f"{parameter.name}: is required")
    return read


def _value(parameter: Parameter, texts: list[str]) -> Any:
    read = _READ.get(parameter.type, str)
    if not parameter.is_array:
        return read(texts[-1])
    if not parameter.is_repeated:
        texts = [text.strip() for text in ",".join(texts).split(",")]
    return [read(text) for text in texts]


def _integer(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _number(text: str) -> float | str:
    # Text that is not a number stays text, which the validator then rejects.
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?", text):
        return text
    number = float(text)
    return number if math.isfinite(number) else text


def _boolean(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text, text)


_READ: dict[str, Callable[[str], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
