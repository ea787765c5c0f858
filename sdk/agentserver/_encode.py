"""How arguments are encoded: as a path segment, in a query, in a header, in a JSON body."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from math import isfinite
from typing import Any, Protocol, TypeGuard, runtime_checkable
from urllib.parse import quote

from agentserver._errors import ArgumentError
from agentserver._omit import OMIT, Omit
from agentserver._secret import Secret

# Visible ASCII, with spaces inside (RFC 9110, section 5.5).
_HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


@runtime_checkable
class _HasWireForm(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


class _Withheld:
    """Replaces a secret argument of a wrong type until it is refused, so that it is never shown."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


def hide(value: Any) -> Any:
    """Wrap a secret argument, so that no local variable shows it in a traceback."""
    if value is None or isinstance(value, Omit | Secret):
        return value
    return Secret(value) if isinstance(value, str) else _Withheld(type(value).__name__)


def segment(name: str, value: object, unescaped: str = "") -> str:
    """Encode a path argument as exactly one segment of a URL's path.

    Args:
        name: The argument's name, for the error.
        value: Any text except the empty one, `.` and `..`, which mean something else in a URL.
        unescaped: Reserved characters that stay as they are.

    Raises:
        ArgumentError: The value cannot be one segment.
    """
    if not isinstance(value, str):
        raise ArgumentError(f"{name}: must be a str, not {type(value).__name__}")
    text = str(value)
    if text in ("", ".", ".."):
        raise ArgumentError(f"{name}: {text!r} cannot be part of a URL's path")
    if _has_lone_surrogate(text):
        raise ArgumentError(f"{name}: contains a lone surrogate, which cannot be encoded")
    return quote(text, safe=unescaped)


def query(arguments: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Encode the given query arguments; a sequence becomes one pair per item.

    Raises:
        ArgumentError: A value has no form in a query.
    """
    return tuple(
        (name, _query_text(name, item))
        for name, value in arguments.items()
        if value is not OMIT
        for item in (value if _is_list(value) else (value,))
    )


def headers(arguments: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Encode the given header arguments; a sequence becomes one value, separated by commas.

    Raises:
        ArgumentError: A value has no form in a header.
    """
    return tuple(
        (name, _header_text(name, value)) for name, value in arguments.items() if value is not OMIT
    )


def idempotency_key(given: str | Omit) -> str:
    """Return the key of a call: the given one, or a new one."""
    from uuid import uuid4  # few calls have one

    return str(uuid4()) if isinstance(given, Omit) else given


def seconds(milliseconds: int | Omit, omitted: int, margin: int) -> float:
    """Return how long a call may take whose caller says how long the server may work on it.

    Raises:
        ArgumentError: It is no number.
    """
    given = omitted if isinstance(milliseconds, Omit) else milliseconds
    if not isinstance(given, int | float):
        raise ArgumentError(f"a time limit must be a number, not {type(given).__name__}")
    return max(0, given) / 1000 + margin / 1000


def body(arguments: Mapping[str, Any], *, required: bool = True) -> dict[str, Any] | Omit:
    """Encode the given body arguments as one JSON object.

    Args:
        arguments: Values by their names in JSON; those that are `OMIT` are left out.
        required: Whether to send a body even if it would be empty.

    Raises:
        ArgumentError: A value has no form in JSON.
    """
    given: dict[str, Any] = {}
    for name, value in arguments.items():
        if value is not OMIT:
            try:
                given[name] = json_value(name, value)
            except RecursionError:
                raise ArgumentError(f"{name}: is nested too deeply to be sent") from None
    return given if given or required else OMIT


def json_value(name: str, value: Any) -> Any:
    """Encode one value as `None`, bool, int, float, str, list and dict.

    A `Secret` stays wrapped until the JSON is written.

    Raises:
        ArgumentError: The value, or one inside it, has no form in JSON.
    """
    if value is None or isinstance(value, bool | Secret):
        return value
    if isinstance(value, _Withheld):
        raise ArgumentError(f"{name}: must be a str, not {value.kind}")
    if isinstance(value, Enum):
        return json_value(name, value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise ArgumentError(f"{name}: must be a finite number")
        return float(value)
    if isinstance(value, datetime):
        return date_time(name, value)
    if isinstance(value, _HasWireForm):
        return value.to_dict()
    if _is_object(value):
        return {
            _key(name, key): json_value(f"{name}.{key}", item)
            for key, item in value.items()
            if item is not OMIT
        }
    if _is_list(value):
        return [json_value(f"{name}[{index}]", item) for index, item in enumerate(value)]
    raise ArgumentError(f"{name}: a {type(value).__name__} has no form in JSON")


def date_time(name: str, value: datetime) -> str:
    """Write a time in the format of RFC 3339.

    Raises:
        ArgumentError: The time has no zone.
    """
    if value.utcoffset() is None:
        raise ArgumentError(f"{name}: must be a datetime with a time zone")
    text = value.isoformat()
    return f"{text.removesuffix('+00:00')}Z" if text.endswith("+00:00") else text


def _key(name: str, key: object) -> str:
    if not isinstance(key, str):
        raise ArgumentError(f"{name}: its keys must be str, not {type(key).__name__}")
    return str(key)


def _is_object(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)


def _query_text(name: str, value: object) -> str:
    plain = json_value(name, value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, str | int | float):
        text = str(plain)
        if _has_lone_surrogate(text):
            raise ArgumentError(f"{name}: contains a lone surrogate, which cannot be encoded")
        return text
    raise ArgumentError(f"{name}: a {type(value).__name__} has no form in a query")


def _header_text(name: str, value: object) -> str:
    items = value if _is_list(value) else (value,)
    text = ", ".join(_query_text(name, item) for item in items)
    if not _HEADER_VALUE.fullmatch(text):
        raise ArgumentError(f"{name}: contains a character that its HTTP header does not allow")
    return text


def _has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
