"""Models, and how the JSON of an answer becomes one: leniently, or held to the contract.

A model is a declaration: its attributes, and beside them the table `FIELDS` with what the contract
says of each. Everything done with models is done here, from that table. Reading is lenient and
takes any JSON; strictness is a check of the JSON before it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, NamedTuple, Self, TypeGuard, TypeVar

from attrs import field, frozen

from agentserver._encode import json_value
from agentserver.pagination import Page

_LONGEST_REPR: Final = 1024
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


class DecodeError(Exception):
    """An answer is not what the contract says.

    Args:
        path: Where, as a JSON path: `$.items[3].role`.
        message: What is wrong there. It never holds the value, which may be a secret.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path} {self.message}"


@frozen
class Decoding:
    """How answers are decoded."""

    strict: bool = False
    """Whether an answer that breaks the contract raises instead of being read as it is."""


# --- shapes: what the contract says of a value ---------------------------------------------------


@frozen(kw_only=True)
class Shape:
    """Any JSON value, and the base of what says more."""

    nullable: bool = False

    def read(self, wire: Any) -> Any:
        """Make the Python value. Takes any JSON and never raises: what does not fit stays."""
        return wire

    def reader(self) -> Callable[[Any], Any]:
        """What `read` does, to be asked for once where there are many values."""
        return self.read

    def check(self, wire: Any, at: str) -> None:
        """Raise `DecodeError` where the value at the path `at` breaks the contract."""
        if wire is not None:
            self._check(wire, at)
        elif not self.nullable:
            raise DecodeError(at, "is null, which the contract does not allow there")

    def _check(self, wire: Any, at: str) -> None:
        """Check a value that is not null."""


@frozen(kw_only=True)
class Anything(Shape):
    """A JSON value of which the contract says nothing."""

    nullable: bool = True


@frozen(kw_only=True)
class Flag(Shape):
    """A boolean."""

    only: bool | None = None

    def _check(self, wire: Any, at: str) -> None:
        if not isinstance(wire, bool):
            raise _wrong_type(at, wire, "a boolean")
        if self.only is not None and wire is not self.only:
            raise DecodeError(at, f"is not {str(self.only).lower()}")


@frozen(kw_only=True)
class Text(Shape):
    """A string, with its length in characters."""

    shortest: int = 0
    longest: int | None = None
    pattern: str | None = None
    one_of: tuple[str, ...] | None = None

    def _check(self, wire: Any, at: str) -> None:
        if not isinstance(wire, str):
            raise _wrong_type(at, wire, "a string")
        _check_size(at, len(wire), self.shortest, self.longest, "characters")
        if self.pattern is not None and not re.search(self.pattern, wire, re.ASCII):
            raise DecodeError(at, f"does not match the pattern {self.pattern}")
        if self.one_of is not None and wire not in self.one_of:
            raise DecodeError(at, f"is none of {', '.join(map(repr, self.one_of))}")


@frozen(kw_only=True)
class Number(Shape):
    """A number, with its bounds."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def _check(self, wire: Any, at: str) -> None:
        if isinstance(wire, bool) or not isinstance(wire, int | float):
            raise _wrong_type(at, wire, "a number")
        if self.least is not None and wire < self.least:
            raise DecodeError(at, f"is less than {self.least}")
        if self.most is not None and wire > self.most:
            raise DecodeError(at, f"is more than {self.most}")
        if self.above is not None and wire <= self.above:
            raise DecodeError(at, f"is not more than {self.above}")
        if self.below is not None and wire >= self.below:
            raise DecodeError(at, f"is not less than {self.below}")


@frozen(kw_only=True)
class Integer(Number):
    """A number without a fraction; 1.0 is one."""

    def read(self, wire: Any) -> Any:
        return int(wire) if isinstance(wire, float) and wire.is_integer() else wire

    def _check(self, wire: Any, at: str) -> None:
        super()._check(wire, at)
        if isinstance(wire, float) and not wire.is_integer():
            raise DecodeError(at, "is a number with a fraction, not an integer")


@frozen(kw_only=True)
class Time(Shape):
    """A date and time as RFC 3339 has it."""

    def read(self, wire: Any) -> Any:
        # Text that names no zone names no point in time: it stays text, like any that is no time.
        try:
            time = datetime.fromisoformat(wire)
        except (ValueError, TypeError):
            return wire
        return wire if time.tzinfo is None else time

    def _check(self, wire: Any, at: str) -> None:
        if not isinstance(wire, str):
            raise _wrong_type(at, wire, "a string")
        if not _RFC_3339.fullmatch(wire) or _parsed(_without_leap_second(wire.upper())) is None:
            raise DecodeError(at, "is not a date and time of RFC 3339")


@frozen
class Enumeration(Shape):
    """One of a closed set of strings; others are read as further members."""

    enum: Callable[[], type[OpenEnum]] = field(repr=False)

    def read(self, wire: Any) -> Any:
        return self.enum()(wire) if isinstance(wire, str) else wire

    def _check(self, wire: Any, at: str) -> None:
        if not isinstance(wire, str):
            raise _wrong_type(at, wire, "a string")
        known = [member.value for member in self.enum()]
        if wire not in known:
            raise DecodeError(at, f"is none of {', '.join(map(repr, known))}")


@frozen
class Listing(Shape):
    """An array."""

    item: Shape
    fewest: int = 0
    most: int | None = None

    def read(self, wire: Any) -> Any:
        if _is_array(wire):
            return list(map(self.item.reader(), wire))
        return [] if wire is None and not self.nullable else wire

    def _check(self, wire: Any, at: str) -> None:
        if not _is_array(wire):
            raise _wrong_type(at, wire, "an array")
        _check_size(at, len(wire), self.fewest, self.most, "items")
        for index, item in enumerate(wire):
            self.item.check(item, f"{at}[{index}]")


@frozen
class Table(Shape):
    """An object whose names are data."""

    value: Shape

    def read(self, wire: Any) -> Any:
        if _is_object(wire):
            read = self.value.reader()
            return {name: read(value) for name, value in wire.items()}
        return wire

    def _check(self, wire: Any, at: str) -> None:
        if not _is_object(wire):
            raise _wrong_type(at, wire, "an object")
        for name, value in wire.items():
            self.value.check(value, _below(at, name))


@frozen
class Object(Shape):
    """An object that a model stands for."""

    model: Callable[[], type[Model]] = field(repr=False)

    def read(self, wire: Any) -> Any:
        return self.reader()(wire)

    def reader(self) -> Callable[[Any], Any]:
        return _plan(self.model()).read

    def _check(self, wire: Any, at: str) -> None:
        if not _is_object(wire):
            raise _wrong_type(at, wire, "an object")
        plan = _plan(self.model())
        for name, shape in plan.checks:
            if name in wire:
                shape.check(wire[name], _below(at, name))
        for name in plan.required:
            if name not in wire:
                raise DecodeError(_below(at, name), "is required and was left out")
        if plan.closed and not plan.names.issuperset(wire):
            unknown = next(name for name in wire if name not in plan.names)
            raise DecodeError(_below(at, unknown), "is not in the contract")


@frozen
class Field:
    """One attribute of a model, and the field of the JSON that it stands for."""

    name: str
    """On the wire."""
    attribute: str
    """In Python."""
    shape: Shape
    required: bool = True
    secret: bool = False
    """Whether it is kept out of the model's repr."""


# --- models --------------------------------------------------------------------------------------


class OpenEnum(StrEnum):
    """A set of strings that an answer may go beyond.

    A value that the contract does not know becomes a member of its own: equal to its text,
    picklable, and never listed when the class is iterated.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if type(value) is not str:
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member


class Model:
    """The base of every model: built from keyword arguments, or read from the JSON of an answer.

    An optional field that is absent reads as `None`. Fields the contract does not know are kept in
    `additional_properties`.
    """

    __slots__ = ("_wire",)

    FIELDS: ClassVar[tuple[Field, ...]] = ()
    """What the contract says of each attribute."""
    CLOSED: ClassVar[bool] = False
    """Whether the contract forbids any other field."""

    _wire: dict[str, Any]
    """The JSON that the model was read from; not set on one built by hand."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the model from parsed JSON, leniently: what does not fit stays as it is."""
        return _read(cls, dict(data))

    def to_dict(self) -> dict[str, Any]:
        """Return the model as JSON has it.

        One that was read from an answer gives back exactly what came. One built by hand, or changed
        by `attrs.evolve`, gives its attributes; those that are `None` are left out unless required.

        Raises:
            ArgumentError: An attribute has no form in JSON.
        """
        wire: dict[str, Any] | None = getattr(self, "_wire", None)
        if wire is not None:
            return {name: _copied(value) for name, value in wire.items()}
        made: dict[str, Any] = {}
        for each in self.FIELDS:
            value = getattr(self, each.attribute)
            if value is not None or each.required:
                made[each.name] = json_value(each.attribute, value)
        for name, value in self._additional().items():
            made[name] = json_value(name, value)
        return made

    def _additional(self) -> Mapping[str, Any]:
        additional: Mapping[str, Any] = getattr(self, "additional_properties", {})
        return additional

    def __repr__(self) -> str:
        shown = [
            f"{each.attribute}={'***' if each.secret else _brief(value)}"
            for each in self.FIELDS
            if (value := getattr(self, each.attribute)) is not None
        ]
        # What the contract does not know may be a secret: its name is shown, never its value.
        shown += [f"+{_brief(name)}" for name in self._additional()]
        return _cut(f"{type(self).__name__}({', '.join(shown)})")

    def __getstate__(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        values = {each.attribute: getattr(self, each.attribute) for each in self.FIELDS}
        values["additional_properties"] = self._additional()
        return values, getattr(self, "_wire", None)

    def __setstate__(self, state: tuple[dict[str, Any], dict[str, Any] | None]) -> None:
        values, wire = state
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if wire is not None:
            object.__setattr__(self, "_wire", wire)


M = TypeVar("M", bound=Model)


def _read(model: type[M], wire: dict[str, Any]) -> M:
    """Make a model of a JSON object, whatever it holds; the object stays the model's own."""
    made: M = _plan(model).read(wire)
    return made


class _Plan(NamedTuple):
    """A model's table, laid out for reading and checking."""

    read: Callable[[Any], Any]
    """Makes the model of a JSON object; what is none stays as it is."""
    checks: tuple[tuple[str, Shape], ...]
    names: frozenset[str]
    required: tuple[str, ...]
    closed: bool


_PLANS: Final[dict[type[Model], _Plan]] = {}


def _plan(model: type[Model]) -> _Plan:
    found = _PLANS.get(model)
    if found is None:
        found = _PLANS[model] = _planned(model)
    return found


def _planned(model: type[Model]) -> _Plan:
    fields = model.FIELDS
    names = frozenset(each.name for each in fields)
    return _Plan(
        read=_reader(model, names),
        checks=tuple((each.name, each.shape) for each in fields),
        names=names,
        required=tuple(each.name for each in fields if each.required),
        closed=model.CLOSED,
    )


def _reader(model: type[Model], names: frozenset[str]) -> Callable[[Any], Any]:
    """What reads one model, with all at hand that is the same for each object.

    A model checks and converts nothing when it is built, so that its slots can be filled at once.
    """
    fields = [
        (each.name, _filler(model, each.attribute), _converter(each.shape)) for each in model.FIELDS
    ]
    fill_additional = _filler(model, "additional_properties")
    fill_wire = _filler(model, "_wire")
    new = object.__new__

    def read(wire: Any) -> Any:
        if type(wire) is not dict:
            return wire
        made = new(model)
        if wire.keys() == names:  # as most do: nothing is missing, nothing is unknown
            for name, fill, convert in fields:
                value = wire[name]
                fill(made, value if convert is None else convert(value))
            fill_additional(made, {})
        else:
            for name, fill, convert in fields:
                value = wire.get(name)
                fill(made, value if convert is None or name not in wire else convert(value))
            fill_additional(made, {name: wire[name] for name in wire if name not in names})
        fill_wire(made, wire)
        return made

    return read


def _converter(shape: Shape) -> Callable[[Any], Any] | None:
    """What makes a field's value of the JSON; None where it is the JSON itself."""
    return None if type(shape).read is Shape.read else shape.read


def _filler(model: type[Model], attribute: str) -> Callable[[Any, Any], None]:
    """What sets a slot, also of a frozen model."""
    fill: Callable[[Any, Any], None] = getattr(model, attribute).__set__
    return fill


# --- answers -------------------------------------------------------------------------------------


def one(model: Callable[[], type[M]]) -> Callable[[Any, Decoding], M]:
    """Make the decoder of an answer that is one object.

    Raises (the decoder):
        DecodeError: The answer is no object, or breaks the contract where that is looked at.
    """
    shape = Object(model)

    def decode(wire: Any, decoding: Decoding) -> M:
        if not _is_object(wire):
            raise _wrong_type("$", wire, "an object")
        if decoding.strict:
            shape.check(wire, "$")
        return _read(model(), wire)

    return decode


def page(item: Shape, *, fewest: int = 0, most: int | None = None) -> Callable[..., Page[Any]]:
    """Make the decoder of an answer that is a list.

    Raises (the decoder):
        DecodeError: The answer is no array, or breaks the contract where that is looked at.
    """
    shape = Listing(item, fewest, most)

    def decode(wire: Any, decoding: Decoding) -> Page[Any]:
        if not _is_array(wire):
            raise _wrong_type("$", wire, "an array")
        if decoding.strict:
            shape.check(wire, "$")
        return Page(map(item.reader(), wire))

    return decode


# --- small print ---------------------------------------------------------------------------------


def _is_object(wire: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(wire, dict)


def _is_array(wire: object) -> TypeGuard[list[Any]]:
    return isinstance(wire, list)


_TYPE_NAMES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def _wrong_type(at: str, wire: object, due: str) -> DecodeError:
    return DecodeError(at, f"is {_TYPE_NAMES.get(type(wire), 'no JSON')}, not {due}")


def _check_size(at: str, size: int, least: int, most: int | None, unit: str) -> None:
    if size < least:
        raise DecodeError(at, f"has {size} {unit}, fewer than {least}")
    if most is not None and size > most:
        raise DecodeError(at, f"has {size} {unit}, more than {most}")


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if name.isidentifier() else f"{at}[{name!r}]"


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _without_leap_second(text: str) -> str:
    # The 61st second of a minute is a time that Python's datetime cannot hold.
    return f"{text[:17]}59{text[19:]}" if text[17:19] == "60" else text


def _copied(value: Any) -> Any:
    if _is_object(value):
        return {name: _copied(item) for name, item in value.items()}
    if _is_array(value):
        return [_copied(item) for item in value]
    return value


def _brief(value: Any) -> str:
    long = (isinstance(value, str) or _is_array(value)) and len(value) > _LONGEST_REPR
    return _cut(repr(value[:_LONGEST_REPR] if long else value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REPR else f"{text[: _LONGEST_REPR - 4]}...)"
