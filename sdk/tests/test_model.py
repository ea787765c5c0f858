"""Models: what they keep, how they are read, and that strictness names the place."""

from __future__ import annotations

import json
import pickle
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

import attrs
import pytest

from agentserver._decoding import DecodeError, Decoding
from agentserver._errors import ArgumentError
from agentserver._model import Model, OpenEnum, one, page
from agentserver._omit import OMIT, Omit
from agentserver._schema import (
    Anything,
    Array,
    Boolean,
    DateTime,
    Enum,
    Field,
    Integer,
    Map,
    Number,
    Object,
    Schema,
    String,
)

STRICT, LENIENT = Decoding(strict=True), Decoding()


WEIGHT = Number(exclusive_minimum=0, exclusive_maximum=100)


class Colour(OpenEnum):
    RED = "red"
    DARK_BLUE = "dark-blue"


@attrs.frozen(kw_only=True, repr=False, getstate_setstate=False)
class Wheel(Model):
    size: int
    additional_properties: dict[str, Any] = attrs.field(factory=dict, hash=False)
    FIELDS: ClassVar[tuple[Field, ...]] = (Field("size", "size", Integer(minimum=1, maximum=30)),)


@attrs.frozen(kw_only=True, repr=False, getstate_setstate=False)
class Bicycle(Model):
    id: str
    colour: Colour
    made_at: datetime
    owner: str | None
    wheels: list[Wheel] = attrs.field(hash=False)
    from_: str | None = None
    spare: Wheel | None = None
    lock_code: str | None = None
    weight: float | None = None
    tags: list[str] | None = attrs.field(default=None, hash=False)
    additional_properties: dict[str, Any] = attrs.field(factory=dict, hash=False)
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=5, pattern=r"^[a-z]+\Z")),
        Field("colour", "colour", Enum(lambda: Colour)),
        Field("madeAt", "made_at", DateTime()),
        Field("owner", "owner", String(nullable=True)),
        Field("wheels", "wheels", Array(Object(lambda: Wheel), min_items=1, max_items=2)),
        Field("from", "from_", String(), required=False),
        Field("spare", "spare", Object(lambda: Wheel), required=False),
        Field("lockCode", "lock_code", String(), required=False, secret=True),
        Field(
            "weight", "weight", Number(exclusive_minimum=0, exclusive_maximum=100), required=False
        ),
        Field("tags", "tags", Array(String(), nullable=True), required=False),
    )


@attrs.frozen(kw_only=True, repr=False, getstate_setstate=False)
class Sealed(Model):
    is_on: bool
    additional_properties: dict[str, Any] = attrs.field(factory=dict, hash=False)
    FIELDS: ClassVar[tuple[Field, ...]] = (Field("is_on", "is_on", Boolean()),)
    CLOSED: ClassVar[bool] = True


def again(value: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> Any:
    """The value, pickled and unpickled."""
    return pickle.loads(pickle.dumps(value, protocol))  # noqa: S301 - written a moment ago


def wire(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "id": "abc",
        "colour": "red",
        "madeAt": "2026-11-23T10:00:00Z",
        "owner": None,
        "wheels": [{"size": 28}],
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not OMIT}


def read(**changes: Any) -> Bicycle:
    return one(lambda: Bicycle)(wire(**changes), LENIENT)


# --- reading --------------------------------------------------------------------------------------


def test_fields_read_as_the_types_they_are_declared_with() -> None:
    bicycle = read(spare={"size": 26}, weight=11.5, **{"from": "Delft"})
    assert bicycle.colour is Colour.RED
    assert bicycle.made_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert bicycle.made_at.tzinfo is not None
    assert bicycle.wheels == [Wheel(size=28)]
    assert bicycle.spare == Wheel(size=26)
    assert (bicycle.weight, bicycle.from_) == (11.5, "Delft")


def test_absent_optional_field_reads_as_none() -> None:
    bicycle = read()
    assert (bicycle.spare, bicycle.tags, bicycle.lock_code) == (None, None, None)


def test_absent_required_field_reads_as_none() -> None:
    assert read(id=OMIT, wheels=OMIT).id is None
    assert read(id=OMIT, wheels=OMIT).wheels is None


def test_null_where_a_list_belongs_reads_as_an_empty_list() -> None:
    assert read(wheels=None).wheels == []
    assert read(tags=None).tags is None, "null is what the contract allows here"


@pytest.mark.parametrize(
    "value", ["x", 1, 1.5, True, None, [], [[]], {}, {"size": {}}, [None, 3]], ids=repr
)
@pytest.mark.parametrize("name", [field.name for field in Bicycle.FIELDS])
def test_any_json_in_any_field_is_read_and_given_back(name: str, value: Any) -> None:
    value = wire(**{name: value})
    assert one(lambda: Bicycle)(deepcopy(value), LENIENT).to_dict() == value


def test_value_of_a_wrong_type_stays_as_it_is() -> None:
    assert read(id=7).id == 7
    assert read(spare="none").spare == "none"
    assert read(wheels=[{"size": 1}, "flat"]).wheels == [Wheel(size=1), "flat"]


def test_integral_float_reads_as_an_integer() -> None:
    size = Wheel.from_dict({"size": 28.0}).size
    assert size == 28
    assert isinstance(size, int)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        (
            "2026-11-23T10:00:00+08:00",
            datetime(2026, 11, 23, 10, tzinfo=timezone(timedelta(hours=8))),
        ),
        ("2026-11-23T10:00:00.98652Z", datetime(2026, 11, 23, 10, 0, 0, 986520, tzinfo=UTC)),
        ("2026-11-23T10:00:00.123456789Z", datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_time_reads_with_zone_and_fraction(text: str, time: datetime) -> None:
    made_at = read(madeAt=text).made_at
    assert made_at == time
    assert made_at.utcoffset() == time.utcoffset()


@pytest.mark.parametrize("text", ["yesterday", "", "2026-11-23", "2026-11-23T10:00:00", "9" * 50])
def test_text_that_names_no_point_in_time_stays_text(text: str) -> None:
    assert read(madeAt=text).made_at == text


def test_unknown_fields_are_kept() -> None:
    bicycle = read(bell=True, horn=[1])
    assert bicycle.additional_properties == {"bell": True, "horn": [1]}
    assert bicycle.to_dict() == wire(bell=True, horn=[1])


# --- giving back ----------------------------------------------------------------------------------


def test_to_dict_gives_back_exactly_what_was_read() -> None:
    value = wire(
        madeAt="2026-11-23T10:00:00.500000000+00:00", colour="pink", weight=3.0, spare=None, x=1
    )
    text = json.dumps(value)
    assert json.dumps(one(lambda: Bicycle)(value, LENIENT).to_dict()) == text


def test_what_to_dict_gives_can_be_changed_without_changing_the_model() -> None:
    bicycle = read()
    bicycle.to_dict()["wheels"][0]["size"] = 1
    assert bicycle.to_dict() == wire()


def test_model_built_by_hand_gives_the_fields_that_are_set() -> None:
    bicycle = Bicycle(
        id="abc",
        colour=Colour.DARK_BLUE,
        made_at=datetime(2026, 11, 23, 10, tzinfo=UTC),
        owner=None,
        wheels=[Wheel(size=20, additional_properties={"spokes": 32})],
        from_="Delft",
    )
    assert bicycle.to_dict() == {
        "id": "abc",
        "colour": "dark-blue",
        "madeAt": "2026-11-23T10:00:00Z",
        "owner": None,
        "wheels": [{"size": 20, "spokes": 32}],
        "from": "Delft",
    }


def test_evolved_model_gives_what_it_was_changed_to() -> None:
    changed = attrs.evolve(read(bell=True), id="xyz")
    assert changed.to_dict() == wire(id="xyz", bell=True)


def test_time_without_a_zone_cannot_be_given() -> None:
    changed = attrs.evolve(read(), made_at=datetime(2026, 11, 23))  # noqa: DTZ001
    with pytest.raises(ArgumentError, match=r"^made_at: .*time zone$"):
        changed.to_dict()


# --- values ---------------------------------------------------------------------------------------


def test_models_are_equal_by_value_however_they_were_made() -> None:
    built = Bicycle(
        id="abc",
        colour=Colour.RED,
        made_at=datetime(2026, 11, 23, 10, tzinfo=UTC),
        owner=None,
        wheels=[Wheel(size=28)],
    )
    assert built == read() == read(madeAt="2026-11-23T11:00:00+01:00")
    assert hash(built) == hash(read())
    assert built != read(id="abd")
    assert built != read(bell=True)
    assert built != wire()


def test_models_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        read().id = "z"  # type: ignore[misc]
    assert not hasattr(read(), "__dict__")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_models_survive_pickle(protocol: int) -> None:
    bicycle = read(colour="pink", bell=True)
    copy = again(bicycle, protocol)
    assert copy == bicycle
    assert copy.to_dict() == bicycle.to_dict()


def test_models_survive_deepcopy() -> None:
    for bicycle in (read(colour="pink", bell={"a": []}), attrs.evolve(read(), id="z")):
        copy = deepcopy(bicycle)
        assert copy == bicycle
        assert copy.to_dict() == bicycle.to_dict()
        assert copy.wheels is not bicycle.wheels


def test_repr_shows_what_is_set_and_no_secret() -> None:
    shown = repr(read(lockCode="4711", id="abc", token="s3cret"))
    assert shown.startswith("Bicycle(id='abc', colour=<Colour.RED: 'red'>")
    assert "lock_code=***" in shown
    assert "4711" not in shown
    assert "spare" not in shown
    assert "+'token'" in shown
    assert "s3cret" not in shown, "an unknown field may be a secret"


def test_repr_is_bounded() -> None:
    assert len(repr(read(id="x" * 100_000))) <= 1024
    assert len(repr(read(wheels=[{"size": n} for n in range(5000)]))) <= 1024


# --- enums ----------------------------------------------------------------------------------------


def test_unknown_enum_value_is_readable() -> None:
    colour = read(colour="pink").colour
    assert isinstance(colour, Colour)
    assert colour == "pink"
    assert (colour.value, str(colour), f"{colour}") == ("pink", "pink", "pink")
    assert colour == Colour("pink")
    assert {colour: 1}["pink"] == 1  # type: ignore[index]
    assert colour not in list(Colour)
    assert len(Colour) == 2
    assert json.dumps(colour) == '"pink"'


def test_unknown_enum_value_survives_pickle_and_deepcopy() -> None:
    colour = Colour("pink")
    for copy in (again(colour), deepcopy(colour)):
        assert copy == colour
        assert isinstance(copy, Colour)


@pytest.mark.parametrize("value", [1, None, True, ("red",), b"red"])
def test_enum_takes_text_only(value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Colour"):
        Colour(value)


# --- strictness -----------------------------------------------------------------------------------


def test_strict_decoding_takes_what_the_contract_allows() -> None:
    decode = one(lambda: Bicycle)
    for value in (wire(), wire(tags=None), wire(weight=1), wire(unknown=1), wire(owner="Ann")):
        assert decode(value, STRICT).to_dict() == value


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": OMIT}, "$.id"),
        ({"id": None}, "$.id"),
        ({"id": 7}, "$.id"),
        ({"id": ""}, "$.id"),
        ({"id": "abcdef"}, "$.id"),
        ({"id": "ABC"}, "$.id"),
        ({"id": "abc\n"}, "$.id"),
        ({"colour": "pink"}, "$.colour"),
        ({"colour": 1}, "$.colour"),
        ({"madeAt": "2026-11-23"}, "$.madeAt"),
        ({"madeAt": "2026-02-30T10:00:00Z"}, "$.madeAt"),
        ({"madeAt": "2026-11-23T10:00:00"}, "$.madeAt"),
        ({"madeAt": 5}, "$.madeAt"),
        ({"wheels": []}, "$.wheels"),
        ({"wheels": [{"size": 1}] * 3}, "$.wheels"),
        ({"wheels": {}}, "$.wheels"),
        ({"wheels": [{"size": 1}, {"size": True}]}, "$.wheels[1].size"),
        ({"wheels": [{"size": 1.5}]}, "$.wheels[0].size"),
        ({"wheels": [{"size": 0}]}, "$.wheels[0].size"),
        ({"wheels": [{"size": 31}]}, "$.wheels[0].size"),
        ({"wheels": [{}]}, "$.wheels[0].size"),
        ({"wheels": [None]}, "$.wheels[0]"),
        ({"spare": None}, "$.spare"),
        ({"spare": []}, "$.spare"),
        ({"weight": 0}, "$.weight"),
        ({"weight": 100}, "$.weight"),
        ({"weight": "1"}, "$.weight"),
        ({"tags": ["a", 1]}, "$.tags[1]"),
    ],
)
def test_strict_decoding_names_the_place_that_breaks_the_contract(
    change: dict[str, Any], path: str
) -> None:
    with pytest.raises(DecodeError) as raised:
        one(lambda: Bicycle)(wire(**change), STRICT)
    assert raised.value.path == path
    one(lambda: Bicycle)(wire(**change), LENIENT)


def test_strict_decoding_takes_an_integral_float_as_an_integer() -> None:
    assert one(lambda: Wheel)({"size": 28.0}, STRICT).size == 28


RFC_3339 = {
    "2016-12-31T23:59:60Z": datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
    "2016-12-31t23:59:60.5z": datetime(2016, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC),
    "2017-01-01T00:59:60+01:00": datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC),
    "2026-11-23t10:00:00z": datetime(2026, 11, 23, 10, tzinfo=UTC),
    "2026-11-23T10:00:00z": datetime(2026, 11, 23, 10, tzinfo=UTC),
    "2026-11-23T10:00:00.1234567890-23:59": datetime(2026, 11, 24, 9, 59, 0, 123_456, tzinfo=UTC),
}
NOT_RFC_3339 = [
    "2026-11-23T10:00:00",
    "2026-11-23T24:00:00Z",
    "2026-11-23T10:00:61Z",
    "2026-02-30T10:00:00z",
    "2026-11-23T10:00:00+24:00",
    "2026-11-23T10:60:60Z",
]


@pytest.mark.parametrize("text", RFC_3339)
@pytest.mark.parametrize("decoding", [LENIENT, STRICT])
def test_every_time_of_rfc_3339_is_read(text: str, decoding: Decoding) -> None:
    read = one(lambda: Bicycle)(wire(madeAt=text), decoding)
    assert read.made_at == RFC_3339[text]
    assert read.to_dict()["madeAt"] == text


@pytest.mark.parametrize("text", NOT_RFC_3339)
def test_what_names_no_point_in_time_stays_text_unless_strict(text: str) -> None:
    assert one(lambda: Bicycle)(wire(madeAt=text), LENIENT).made_at == text
    with pytest.raises(DecodeError):
        one(lambda: Bicycle)(wire(madeAt=text), STRICT)


def test_strict_decoding_refuses_an_unknown_field_of_a_closed_object() -> None:
    with pytest.raises(DecodeError) as raised:
        one(lambda: Sealed)({"is_on": True, "a b": 1}, STRICT)
    assert raised.value.path == "$['a b']"
    assert one(lambda: Sealed)({"is_on": True, "a b": 1}, LENIENT).is_on is True


def test_what_is_wrong_is_said_without_the_value() -> None:
    with pytest.raises(DecodeError) as raised:
        one(lambda: Bicycle)(wire(id="hunter2"), STRICT)
    assert "hunter2" not in f"{raised.value!r} {raised.value}"


@pytest.mark.parametrize(
    ("schema", "good", "bad", "path"),
    [
        (Anything(), [None, 1, [], {}], [], ""),
        (Boolean(), [True, False], [0, "true", None], "$"),
        (Boolean(const=True), [True], [False], "$"),
        (String(const="ok"), ["ok"], ["no", 1], "$"),
        (Number(minimum=0, maximum=1), [0, 0.5, 1.0], [-0.1, 1.1, True, "0"], "$"),
        (Map(Boolean()), [{}, {"a": True}], [{"a": 1}], "$.a"),
        (Integer(nullable=True), [None, 1], [True, 0.5], "$"),
        (String(min_length=2, max_length=2), ["😀😀"], ["😀"], "$"),
    ],
)
def test_schemas_accept_what_the_contract_allows_and_nothing_else(
    schema: Schema, good: list[Any], bad: list[Any], path: str
) -> None:
    for value in good:
        schema.check(value, "$")
    for value in bad:
        with pytest.raises(DecodeError) as raised:
            schema.check(value, "$")
        assert raised.value.path == path


# --- whole answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("decoding", [LENIENT, STRICT])
def test_answer_of_another_kind_is_no_answer(decoding: Decoding) -> None:
    for value in (None, "x", 1, True, []):
        with pytest.raises(DecodeError, match=r"^\$ is .*, not an object$"):
            one(lambda: Wheel)(value, decoding)
    for value in (None, "x", 1, True, {}):
        with pytest.raises(DecodeError, match=r"^\$ is .*, not an array$"):
            page(Object(lambda: Wheel))(value, decoding)


def test_list_answer_is_a_page_of_models() -> None:
    found = page(Object(lambda: Wheel))([{"size": 1}, {"size": 2}], STRICT)
    assert found == [Wheel(size=1), Wheel(size=2)]
    assert found.has_more is False


def test_strict_list_names_the_item_that_breaks_the_contract() -> None:
    with pytest.raises(DecodeError) as raised:
        page(Object(lambda: Wheel))([{"size": 1}, {"size": None}], STRICT)
    assert raised.value.path == "$[1].size"


# --- the sentinel ---------------------------------------------------------------------------------


def test_omit_is_one_false_value_that_copies_to_itself() -> None:
    assert not OMIT
    assert repr(OMIT) == "OMIT"
    assert Omit() is OMIT
    assert deepcopy(OMIT) is OMIT
    assert again(OMIT) is OMIT
