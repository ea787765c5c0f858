"""The model `LLMModel`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class LLMModel(Model):
    """A language model of an endpoint."""

    id: str
    """The model's id at the endpoint. 1 to 255 characters."""
    name: str
    """The model's display name. 1 to 255 characters."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255, pattern="^[^\\u0000]*\\Z")),
        Field("name", "name", String(min_length=1, max_length=255, pattern="^[^\\u0000]*\\Z")),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.name = value["name"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(LLMModel)
