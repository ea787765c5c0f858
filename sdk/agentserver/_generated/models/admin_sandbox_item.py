"""The model `AdminSandboxItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import SandboxStatus
from agentserver._model import Model, by_value, draft
from agentserver._schema import Boolean, DateTime, Enum, Field, String, parse_time

_SANDBOX_STATUS = by_value(SandboxStatus)


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
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("name", "name", String(min_length=1, max_length=255)),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255)),
        Field("type", "type", String(min_length=1, max_length=255)),
        Field("status", "status", Enum(lambda: models.SandboxStatus)),
        Field("created_at", "created_at", DateTime()),
        Field("is_local", "is_local", Boolean()),
        Field("last_activity_at", "last_activity_at", DateTime(), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.name = value["name"]
            made.workspace_id = value["workspace_id"]
            made.type = value["type"]
            made.status = _SANDBOX_STATUS[value["status"]]
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made.is_local = value["is_local"]
            made.last_activity_at = (
                None
                if (it := value.get("last_activity_at")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AdminSandboxItem)
