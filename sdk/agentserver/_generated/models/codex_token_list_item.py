"""The model `CodexTokenListItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Boolean, DateTime, Field, String, parse_time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CodexTokenListItem(Model):
    """A codex token, without the token itself."""

    id: str
    """The token's id, which is not the token itself."""
    name: str
    """The token's name, which need not be unique. 1 to 255 characters."""
    workspace_id: str
    """The id of the workspace that it opens. 1 to 255 characters."""
    created_at: datetime
    """When it was made."""
    expires_at: datetime
    """When it ends."""
    revoked: bool
    """Whether it is revoked."""
    last_used_at: datetime | None = field(default=None)
    """When it was last used, to the minute; only if it ever was."""
    revoked_at: datetime | None = field(default=None)
    """When it was revoked; only if it is."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(pattern="^[0-9a-z]{8}\\Z")),
        Field("name", "name", String(min_length=1, max_length=255)),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255)),
        Field("created_at", "created_at", DateTime()),
        Field("expires_at", "expires_at", DateTime()),
        Field("revoked", "revoked", Boolean()),
        Field("last_used_at", "last_used_at", DateTime(), required=False),
        Field("revoked_at", "revoked_at", DateTime(), required=False),
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
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made.expires_at = (
                time if (time := parse_time(value["expires_at"])).tzinfo else value["expires_at"]
            )
            made.revoked = value["revoked"]
            made.last_used_at = (
                None
                if (it := value.get("last_used_at")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made.revoked_at = (
                None
                if (it := value.get("revoked_at")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CodexTokenListItem)
