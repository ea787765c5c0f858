"""The model `Workspace`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Model, Text, Time


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
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", Text(shortest=1, longest=255)),
        Field("name", "name", Text(shortest=1, longest=255)),
        Field("created_at", "created_at", Time()),
        Field("updated_at", "updated_at", Time()),
    )
