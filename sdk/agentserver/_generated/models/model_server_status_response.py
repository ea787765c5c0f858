"""The model `ModelServerStatusResponse`."""

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
class ModelServerStatusResponse(Model):
    """A workspace's connection to the model server. Without one, all other fields are omitted."""

    connected: bool
    """Whether the workspace is connected."""
    project_id: str | None = field(default=None)
    """The project at the model server; omitted if it names none. 1 to 255 characters."""
    project_name: str | None = field(default=None)
    """The project's name; omitted if it has none. 1 to 255 characters."""
    models: list[LLMModel] | None = field(default=None, hash=False)
    """The models that the model server had, in its order; omitted if it named none. 1 to 1,000
    items.
    """
    connected_at: datetime | None = field(default=None)
    """When it was connected first. Connecting again does not change it."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("connected", "connected", Boolean()),
        Field("project_id", "project_id", String(min_length=1, max_length=255), required=False),
        Field("project_name", "project_name", String(min_length=1, max_length=255), required=False),
        Field(
            "models",
            "models",
            Array(Object(lambda: models.LLMModel), min_items=1, max_items=1000),
            required=False,
        ),
        Field("connected_at", "connected_at", DateTime(), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.connected = value["connected"]
            made.project_id = value.get("project_id")
            made.project_name = value.get("project_name")
            made.models = (
                list(map(models.LLMModel._read, it))
                if isinstance(it := value.get("models"), list)
                else ([] if it is None and "models" in value else it)
            )
            made.connected_at = (
                None
                if (it := value.get("connected_at")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(ModelServerStatusResponse)
