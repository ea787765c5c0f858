"""The model `LLMConfigResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Field, Flag, Listing, Model, Object, Text, Time

if TYPE_CHECKING:
    from agentserver._generated.models import LLMModel


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class LLMConfigResponse(Model):
    """A workspace's own language-model endpoint, if it has one."""

    configured: bool
    """Whether the workspace has its own endpoint."""
    base_url: str
    """The endpoint's URL; empty if there is none. At most 2,048 characters."""
    api_key: str
    """The masked key; empty if there is none. At most 16 characters."""
    updated_at: datetime | None
    """When it was last set; null if there is none."""
    models: list[LLMModel] | None = field(default=None, hash=False)
    """The models in the order given; omitted if there is no endpoint. 1 to 100 items."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("configured", "configured", Flag()),
        Field("base_url", "base_url", Text(longest=2048)),
        Field("api_key", "api_key", Text(longest=16)),
        Field("updated_at", "updated_at", Time(nullable=True)),
        Field(
            "models",
            "models",
            Listing(Object(lambda: models.LLMModel), fewest=1, most=100),
            required=False,
        ),
    )
