"""The model `CodexTokenMintResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import DateTime, Field, String, parse_time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CodexTokenMintResponse(Model):
    """A new codex token."""

    id: str
    """The token's id, which is not the token itself."""
    token: str
    """The token itself, which is not shown again."""
    name: str
    """The token's name, which need not be unique. 1 to 255 characters."""
    workspace_id: str
    """The id of the workspace that it opens. 1 to 255 characters."""
    expires_at: datetime
    """When it ends."""
    created_at: datetime
    """When it was made."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(pattern="^[0-9a-z]{8}\\Z")),
        Field("token", "token", String(pattern="^ast_[0-9a-z]{8}_[0-9a-z]{40}\\Z"), secret=True),
        Field("name", "name", String(min_length=1, max_length=255)),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255)),
        Field("expires_at", "expires_at", DateTime()),
        Field("created_at", "created_at", DateTime()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.token = value["token"]
            made.name = value["name"]
            made.workspace_id = value["workspace_id"]
            made.expires_at = (
                time if (time := parse_time(value["expires_at"])).tzinfo else value["expires_at"]
            )
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CodexTokenMintResponse)
