"""The model `LLMModel`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Model, Text


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class LLMModel(Model):
    """A language model of an endpoint."""

    id: str
    """The model's id at the endpoint. 1 to 255 characters."""
    name: str
    """The model's display name. 1 to 255 characters."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", Text(shortest=1, longest=255, pattern="^[^\\u0000]*\\Z")),
        Field("name", "name", Text(shortest=1, longest=255, pattern="^[^\\u0000]*\\Z")),
    )
