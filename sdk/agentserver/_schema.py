"""JSON Schema as far as the contract uses it: how a value is read, and whether it is valid.

The classes are named after JSON Schema's types, their arguments after its keywords, in snake case.
Reading is lenient and takes any JSON; strictness is a check of the JSON before it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, Protocol, TypeGuard

from attrs import frozen

from ._decoding import DecodeError

_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


parse_time: Final = datetime.fromisoformat


def as_integer(value: Any) -> Any:
    """Return an integral float as an int, and any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


@frozen(kw_only=True, eq=False, repr=False)
class Schema:
    """The base of every schema."""

    nullable: bool = False

    def read(self, value: Any) -> Any:
        """Return the Python value for any JSON, without raising: what does not fit stays."""
        return value

    def reader(self) -> Callable[[Any], Any]:
        """Return the fastest function that does the same, to be looked up once for many values."""
        return self.read

    def check(self, value: Any, path: str) -> None:
        """Validate the value at `path`.

        Raises:
            DecodeError: The value breaks the contract.
        """
        if value is not None:
            self._check(value, path)
        elif not self.nullable:
            raise DecodeError(path, "is null, which the contract does not allow there")

    def _check(self, value: Any, path: str) -> None:
        """Validate a value that is not null."""


@frozen(kw_only=True, eq=False, repr=False)
class Anything(Schema):
    """Any JSON value."""

    nullable: bool = True


@frozen(kw_only=True, eq=False, repr=False)
class Boolean(Schema):
    """A boolean."""

    const: bool | None = None

    def _check(self, value: Any, path: str) -> None:
        if not isinstance(value, bool):
            raise wrong_type(path, value, "a boolean")
        if self.const is not None and value is not self.const:
            raise DecodeError(path, f"is not {str(self.const).lower()}")


@frozen(kw_only=True, eq=False, repr=False)
class String(Schema):
    """A string; its length is counted in characters."""

    min_length: int = 0
    max_length: int | None = None
    pattern: str | None = None
    const: str | None = None

    def _check(self, value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(path, value, "a string")
        _check_size(path, len(value), self.min_length, self.max_length, "characters")
        if self.pattern is not None and not re.search(self.pattern, value, re.ASCII):
            raise DecodeError(path, f"does not match the pattern {self.pattern}")
        if self.const is not None and value != self.const:
            raise DecodeError(path, f"is not {self.const!r}")


@frozen(kw_only=True, eq=False, repr=False)
class Number(Schema):
    """A number."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None

    def _check(self, value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type(path, value, "a number")
        if self.minimum is not None and value < self.minimum:
            raise DecodeError(path, f"is less than {self.minimum}")
        if self.maximum is not None and value > self.maximum:
            raise DecodeError(path, f"is more than {self.maximum}")
        if self.exclusive_minimum is not None and value <= self.exclusive_minimum:
            raise DecodeError(path, f"is not more than {self.exclusive_minimum}")
        if self.exclusive_maximum is not None and value >= self.exclusive_maximum:
            raise DecodeError(path, f"is not less than {self.exclusive_maximum}")


@frozen(kw_only=True, eq=False, repr=False)
class Integer(Number):
    """A number without a fraction, which 1.0 is too."""

    def read(self, value: Any) -> Any:
        return as_integer(value)

    def _check(self, value: Any, path: str) -> None:
        super()._check(value, path)
        if isinstance(value, float) and not value.is_integer():
            raise DecodeError(path, "is a number with a fraction, not an integer")


@frozen(kw_only=True, eq=False, repr=False)
class DateTime(Schema):
    """A string of the format `date-time`, which is RFC 3339.

    Whatever the check accepts is read as a time. So are other forms of ISO 8601 that Python knows,
    as long as they have a zone: without one, a text names no point in time and stays text.
    """

    def read(self, value: Any) -> Any:
        time = _time_of(value)
        return value if time is None or time.tzinfo is None else time

    def _check(self, value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(path, value, "a string")
        if not _RFC_3339.fullmatch(value) or _time_of(value) is None:
            raise DecodeError(path, "is not a date and time of RFC 3339")


@frozen(eq=False, repr=False)
class Enum(Schema):
    """One of the values of an enum, which are strings; unknown ones are read as new members."""

    enum: Callable[[], type[StrEnum]]

    def read(self, value: Any) -> Any:
        return self.enum()(value) if isinstance(value, str) else value

    def _check(self, value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(path, value, "a string")
        known = [member.value for member in self.enum()]
        if value not in known:
            raise DecodeError(path, f"is none of {', '.join(map(repr, known))}")


@frozen(eq=False, repr=False)
class Array(Schema):
    """An array."""

    items: Schema
    min_items: int = 0
    max_items: int | None = None

    def read(self, value: Any) -> Any:
        if is_array(value):
            return list(map(self.items.read, value))
        return [] if value is None and not self.nullable else value

    def _check(self, value: Any, path: str) -> None:
        if not is_array(value):
            raise wrong_type(path, value, "an array")
        _check_size(path, len(value), self.min_items, self.max_items, "items")
        for index, item in enumerate(value):
            self.items.check(item, f"{path}[{index}]")


@frozen(eq=False, repr=False)
class Map(Schema):
    """An object with any keys, whose values share one schema: `additionalProperties`."""

    values: Schema

    def read(self, value: Any) -> Any:
        if is_object(value):
            return {key: self.values.read(item) for key, item in value.items()}
        return value

    def _check(self, value: Any, path: str) -> None:
        if not is_object(value):
            raise wrong_type(path, value, "an object")
        for key, item in value.items():
            self.values.check(item, _below(path, key))


@frozen(eq=False, repr=False)
class Field:
    """One attribute of a model, and its field in the JSON."""

    name: str
    """In JSON."""
    attribute: str
    """In Python."""
    schema: Schema
    required: bool = True
    secret: bool = False
    """Whether it is kept out of the model's repr."""


class ReadsObjects(Protocol):
    """The class of a model, as far as the schema of its object needs it."""

    FIELDS: ClassVar[tuple[Field, ...]]
    CLOSED: ClassVar[bool]

    @classmethod
    def _read(cls, value: Any) -> Any: ...

    @classmethod
    def _read_by_table(cls, value: Any) -> Any: ...


@frozen(eq=False, repr=False)
class Object(Schema):
    """An object that is read as a model."""

    model: Callable[[], type[ReadsObjects]]

    def read(self, value: Any) -> Any:
        # Not `_read`, which comes here when it fails: each level would be read twice as often.
        return self.model()._read_by_table(value)

    def reader(self) -> Callable[[Any], Any]:
        return self.model()._read

    def _check(self, value: Any, path: str) -> None:
        if not is_object(value):
            raise wrong_type(path, value, "an object")
        model = self.model()
        for each in model.FIELDS:
            if each.name in value:
                each.schema.check(value[each.name], _below(path, each.name))
        for each in model.FIELDS:
            if each.required and each.name not in value:
                raise DecodeError(_below(path, each.name), "is required and was left out")
        if model.CLOSED:
            known = {each.name for each in model.FIELDS}
            unknown = next((name for name in value if name not in known), None)
            if unknown is not None:
                raise DecodeError(_below(path, unknown), "is not in the contract")


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether parsed JSON is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether parsed JSON is an array."""
    return isinstance(value, list)


_TYPE_NAMES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def wrong_type(path: str, value: object, expected: str) -> DecodeError:
    """Return the error for a value of another type than the contract says."""
    return DecodeError(path, f"is {_TYPE_NAMES.get(type(value), 'not JSON')}, not {expected}")


def _check_size(path: str, size: int, least: int, most: int | None, unit: str) -> None:
    if size < least:
        raise DecodeError(path, f"has {size} {unit}, fewer than {least}")
    if most is not None and size > most:
        raise DecodeError(path, f"has {size} {unit}, more than {most}")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{name!r}]"


def _time_of(value: Any) -> datetime | None:
    """The time that a text names; None for any other value."""
    try:
        return parse_time(value)
    except TypeError:
        return None
    except ValueError:
        if not _RFC_3339.fullmatch(value):
            return None
    try:
        return parse_time(_as_python_writes(value))
    except ValueError:
        return None


def _as_python_writes(text: str) -> str:
    """A time of RFC 3339 in the form that Python reads: in upper case, without a leap second.

    The 61st second of a minute is no time that `datetime` has, and is read as the 60th.
    """
    text = text.upper()
    return f"{text[:17]}59{text[19:]}" if text[17:19] == "60" else text
