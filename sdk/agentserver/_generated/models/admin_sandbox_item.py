"""The model `AdminSandboxItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Enumeration, Field, Flag, Model, Text, Time

if TYPE_CHECKING:
    from agentserver._generated.models import SandboxStatus


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminSandboxItem(Model):
    """A sandbox, as an administrator sees it."""

    id: str
    """The sandbox's id. 1 to 255 characters."""
    name: str
    """The sandbox's name. 1 to 255 characters."""
    workspace_id: str
    """The workspace that it belongs to. 1 to 255 characters."""
    type: str
    """The kind of agent that runs in it. 1 to 255 characters."""
    status: SandboxStatus
    """The sandbox's state. One of `creating`, `running`, `pausing`, `paused`, `resuming`,
    `offline`.
    """
    created_at: datetime
    """When it was created."""
    is_local: bool
    """Whether it runs on a person's own machine rather than in a container."""
    last_activity_at: datetime | None = field(default=None)
    """When it was last active; omitted if it never was."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", Text(shortest=1, longest=255)),
        Field("name", "name", Text(shortest=1, longest=255)),
        Field("workspace_id", "workspace_id", Text(shortest=1, longest=255)),
        Field("type", "type", Text(shortest=1, longest=255)),
        Field("status", "status", Enumeration(lambda: models.SandboxStatus)),
        Field("created_at", "created_at", Time()),
        Field("is_local", "is_local", Flag()),
        Field("last_activity_at", "last_activity_at", Time(), required=False),
    )
