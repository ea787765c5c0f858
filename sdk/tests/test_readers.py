"""The readers that the generator writes: they give what the table of fields gives, only faster."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from agentserver import models
from agentserver._model import Model
from agentserver._schema import Array, Boolean, DateTime, Enum, Integer, Map, Object, Schema

MODELS = [
    found
    for name in models.__all__
    if isinstance(found := getattr(models, name), type) and issubclass(found, Model)
]
TIME = "2026-11-23T10:00:00.5+01:00"
ANY_JSON: list[Any] = [
    *(None, True, 0, 7, 7.0, 7.5, 1e300, "", "x", TIME, "2026-11-23", "owner", "admin", [], {}),
    *([None], ["x", 7.0, [TIME]], [{}], [{"id": 7}], {"id": "m"}, {"x": [{}]}),
]


def example(schema: Schema) -> Any:
    """A value that the contract allows."""
    match schema:
        case Boolean():
            return True
        case Integer():
            return 7
        case DateTime():
            return TIME
        case Enum():
            return next(iter(schema.enum())).value
        case Array():
            return [example(schema.items)] * 2
        case Map():
            return {"x": example(schema.values)}
        case Object():
            return example_of(schema.model())
    return "x"


def example_of(model: type[Model]) -> dict[str, Any]:
    return {field.name: example(field.schema) for field in model.FIELDS}


def spread(value: Any) -> Any:
    """What a user sees of a value, with the type of each part."""
    if isinstance(value, Model):
        fields = {each.attribute: spread(getattr(value, each.attribute)) for each in value.FIELDS}
        return type(value), fields, spread(value.additional_properties), value.to_dict()
    if isinstance(value, list):
        return list, [spread(item) for item in value]
    if isinstance(value, dict):
        return dict, {key: spread(item) for key, item in value.items()}
    return type(value), value


@pytest.mark.parametrize("model", MODELS)
def test_what_the_contract_promises_is_read_without_the_table(
    model: type[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> Any:
        raise AssertionError("the table was used")

    monkeypatch.setattr(Model, "_read_by_table", fail)
    whole = example_of(model)
    least = {field.name: whole[field.name] for field in model.FIELDS if field.required}
    nulls = {field.name: None for field in model.FIELDS if field.schema.nullable}
    for value in (whole, least, {**whole, **nulls}, {**whole, "unknown": 1}):
        assert model._read(value).to_dict() == value


@pytest.mark.parametrize("model", MODELS)
def test_any_json_is_read_as_by_the_table(model: type[Model]) -> None:
    whole = example_of(model)
    values: list[Any] = [*ANY_JSON, whole, {**whole, "unknown": 1, "id2": [TIME]}]
    for field in model.FIELDS:
        values += [{**whole, field.name: deepcopy(value)} for value in ANY_JSON]
        values.append({name: value for name, value in whole.items() if name != field.name})
    for value in values:
        assert spread(model._read(value)) == spread(model._read_by_table(value)), value


@pytest.mark.parametrize("model", MODELS)
def test_lists_of_a_model_are_not_those_of_the_json_it_was_read_from(model: type[Model]) -> None:
    whole = example_of(model)
    made = model._read(deepcopy(whole))
    for field in model.FIELDS:
        value = getattr(made, field.attribute)
        if isinstance(value, list):
            value.clear()
    assert made.to_dict() == whole


def test_the_models_were_found() -> None:
    assert len(MODELS) > 10


def test_a_subclass_is_read_as_itself() -> None:
    class Mine(models.Workspace):
        @property
        def title(self) -> str:
            return self.name.title()

    made = Mine.from_dict({**example_of(models.Workspace), "name": "nightly runs", "new": 1})
    assert type(made) is Mine
    assert made.title == "Nightly Runs"
    assert made.additional_properties == {"new": 1}
