"""The model `AdminWorkspaceItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Field, Integer, Model, Object, Text, Time

if TYPE_CHECKING:
    from agentserver._generated.models import AdminOwnerInfo


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminWorkspaceItem(Model):
    """A workspace, as an administrator sees it."""

    id: str
    """The workspace's id. 1 to 255 characters."""
    name: str
    """The workspace's name, which need not be unique. 1 to 255 characters."""
    created_at: datetime
    """When it was created."""
    updated_at: datetime
    """When it was last renamed; the time of creation if it never was."""
    owner: AdminOwnerInfo | None
    """The owner who has been a member longest; null if there is no owner."""
    sandbox_count: int
    """Number of sandboxes, in any state. 0 to 2,147,483,647."""
    max_sandboxes: int
    """Maximum number of sandboxes; 0 means no limit. 0 to 2,147,483,647."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", Text(shortest=1, longest=255)),
        Field("name", "name", Text(shortest=1, longest=255)),
        Field("created_at", "created_at", Time()),
        Field("updated_at", "updated_at", Time()),
        Field("owner", "owner", Object(lambda: models.AdminOwnerInfo, nullable=True)),
        Field("sandbox_count", "sandbox_count", Integer(least=0, most=2147483647)),
        Field("max_sandboxes", "max_sandboxes", Integer(least=0, most=2147483647)),
    )
