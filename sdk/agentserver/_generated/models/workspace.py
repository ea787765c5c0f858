"""The model `Workspace`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import DateTime, Field, String, parse_time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class Workspace(Model):
    """A workspace."""

    id: str
    """The workspace's id. 1 to 255 characters."""
    name: str
    """The workspace's name, which need not be unique. 1 to 255 characters."""
    created_at: datetime
    """When it was created."""
    updated_at: datetime
    """When it was last renamed; the time of creation if it never was."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("name", "name", String(min_length=1, max_length=255)),
        Field("created_at", "created_at", DateTime()),
        Field("updated_at", "updated_at", DateTime()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.name = value["name"]
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made.updated_at = (
                time if (time := parse_time(value["updated_at"])).tzinfo else value["updated_at"]
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(Workspace)
