"""The model `AdminWorkspaceItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import DateTime, Field, Integer, Object, String, as_integer, parse_time

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
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("name", "name", String(min_length=1, max_length=255)),
        Field("created_at", "created_at", DateTime()),
        Field("updated_at", "updated_at", DateTime()),
        Field("owner", "owner", Object(lambda: models.AdminOwnerInfo, nullable=True)),
        Field("sandbox_count", "sandbox_count", Integer(minimum=0, maximum=2147483647)),
        Field("max_sandboxes", "max_sandboxes", Integer(minimum=0, maximum=2147483647)),
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
            made.owner = models.AdminOwnerInfo._read(value["owner"])
            made.sandbox_count = it if type(it := value["sandbox_count"]) is int else as_integer(it)
            made.max_sandboxes = it if type(it := value["max_sandboxes"]) is int else as_integer(it)
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AdminWorkspaceItem)
