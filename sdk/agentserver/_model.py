"""Models: the base of the generated ones, and the decoders of whole answers.

A model is a declaration: its attributes, and in `FIELDS` the schema of each. Generated models read
the JSON that the contract promises with straight-line code, and any other JSON by that table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

from agentserver._decoding import Decoding
from agentserver._encode import json_value
from agentserver._page import Page
from agentserver._schema import Array, Field, Object, Schema, is_array, is_object, wrong_type

_LONGEST_REPR: Final = 1024


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

    # `__weakref__` has its slot here, since `draft` could not copy it from each model's slots.
    __slots__ = ("__weakref__", "_wire")

    FIELDS: ClassVar[tuple[Field, ...]] = ()
    """What the contract says of each attribute."""
    CLOSED: ClassVar[bool] = False
    """Whether the contract forbids any other field."""

    _wire: dict[str, Any]
    """The JSON that the model was read from; not set on one built by hand."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the model from parsed JSON, leniently: what does not fit stays as it is."""
        made: Self = cls._read(dict(data))
        return made

    @classmethod
    def _read(cls, value: Any) -> Any:
        """Read any JSON without raising: what is not an object stays as it is."""
        return cls._read_by_table(value)

    @classmethod
    def _read_by_table(cls, value: Any) -> Any:
        """Do the same by interpreting `FIELDS`, whatever the object contains."""
        if not is_object(value):
            return value
        made = object.__new__(cls)
        for each in cls.FIELDS:
            read = each.schema.read(value[each.name]) if each.name in value else None
            object.__setattr__(made, each.attribute, read)
        object.__setattr__(made, "_wire", value)
        return made

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Called for a slot that is not filled. Reading leaves `additional_properties` so,
            # since most answers have none and hardly any caller asks.
            if name != "additional_properties":
                kind = type(self).__name__
                raise AttributeError(f"{kind!r} has no attribute {name!r}", name=name, obj=self)
            known = {each.name for each in self.FIELDS}
            found = {key: value for key, value in self._wire.items() if key not in known}
            object.__setattr__(self, name, found)
            return found

    def to_dict(self) -> dict[str, Any]:
        """Return the model as JSON has it.

        One that was read from an answer gives back exactly what was read. One built by hand, or
        changed by `attrs.evolve`, gives its attributes; those that are `None` are left out unless
        required.

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


# --- reading -------------------------------------------------------------------------------------


def draft(model: type[M]) -> Callable[[], Any]:
    """Return a class whose objects become a `model` when their `__class__` is set to it.

    Models are frozen, and each way around that costs more than the rest of reading. A draft has
    the same slots, to be filled by plain assignment; Python allows the change between classes whose
    base and slots are the same.
    """
    return type(f"{model.__name__}Draft", model.__bases__, {"__slots__": model.__slots__})


class _ByValue(dict[Any, Any]):
    """The members of an enum by value."""

    def __init__(self, enum: type[OpenEnum]) -> None:
        super().__init__({member.value: member for member in enum})
        self[None] = None
        self._enum = enum

    def __missing__(self, value: Any) -> Any:
        return self._enum(value) if isinstance(value, str) else value


@cache
def by_value(enum: type[OpenEnum]) -> Mapping[Any, Any]:
    """Return what reads the values of an enum: a mapping that makes members of unknown strings.

    Raises (the mapping):
        TypeError: The value cannot be hashed, as JSON's arrays and objects cannot.
    """
    return _ByValue(enum)


# --- answers -------------------------------------------------------------------------------------


def one(model: Callable[[], type[M]]) -> Callable[[Any, Decoding], M]:
    """Return the decoder of an answer that is one object.

    Raises (the decoder):
        DecodeError: The answer is no object, or breaks the contract and the decoding is strict.
    """
    schema = Object(model)

    def decode(value: Any, decoding: Decoding) -> M:
        if not is_object(value):
            raise wrong_type("$", value, "an object")
        if decoding.strict:
            schema.check(value, "$")
        made: M = model()._read(value)
        return made

    return decode


def page(
    items: Schema, *, min_items: int = 0, max_items: int | None = None
) -> Callable[[Any, Decoding], Page[Any]]:
    """Return the decoder of an answer that is a list.

    Raises (the decoder):
        DecodeError: The answer is no array, or breaks the contract and the decoding is strict.
    """
    schema = Array(items, min_items, max_items)
    read: Callable[[Any], Any] | None = None

    def decode(value: Any, decoding: Decoding) -> Page[Any]:
        if not isinstance(value, list):
            raise wrong_type("$", value, "an array")
        if decoding.strict:
            schema.check(value, "$")
        nonlocal read
        if read is None:  # what it reads with is imported now, not when the operation is
            read = items.reader()
        return Page(map(read, value))

    return decode


# --- text ----------------------------------------------------------------------------------------


def _copied(value: Any) -> Any:
    if is_object(value):
        return {name: _copied(item) for name, item in value.items()}
    if is_array(value):
        return [_copied(item) for item in value]
    return value


def _brief(value: Any) -> str:
    long = (isinstance(value, str) or is_array(value)) and len(value) > _LONGEST_REPR
    return _cut(repr(value[:_LONGEST_REPR] if long else value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_REPR else f"{text[: _LONGEST_REPR - 4]}...)"
