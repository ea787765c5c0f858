"""The model `LLMConfigResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Array, Boolean, DateTime, Field, Object, String, parse_time

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
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("configured", "configured", Boolean()),
        Field("base_url", "base_url", String(max_length=2048)),
        Field("api_key", "api_key", String(max_length=16)),
        Field("updated_at", "updated_at", DateTime(nullable=True)),
        Field(
            "models",
            "models",
            Array(Object(lambda: models.LLMModel), min_items=1, max_items=100),
            required=False,
        ),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.configured = value["configured"]
            made.base_url = value["base_url"]
            made.api_key = value["api_key"]
            made.updated_at = (
                None
                if (it := value["updated_at"]) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made.models = (
                list(map(models.LLMModel._read, it))
                if isinstance(it := value.get("models"), list)
                else ([] if it is None and "models" in value else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(LLMConfigResponse)
