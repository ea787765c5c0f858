"""The model `CodexBrowserItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Boolean, DateTime, Field, String, parse_time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CodexBrowserItem(Model):
    """A codex token, and what is connected with it or was last."""

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
    is_online: bool
    """Whether something is connected with it that has given a sign of life within the last 60
    seconds.
    """
    last_used_at: datetime | None = field(default=None)
    """When it was last used, to the minute; only if it ever was."""
    client_ip: str | None = field(default=None)
    """The address from which it was connected, as far as is known. 1 to 255 characters."""
    client_ua: str | None = field(default=None)
    """The program that was connected, as it says itself. 1 to 1,000 characters."""
    codex_version: str | None = field(default=None)
    """The version of that program. 1 to 255 characters."""
    os: str | None = field(default=None)
    """The operating system on which it runs. 1 to 255 characters."""
    connected_at: datetime | None = field(default=None)
    """When it was connected; left out if the token was never used for that."""
    disconnected_at: datetime | None = field(default=None)
    """When it was disconnected; left out while it is connected."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(pattern="^[0-9a-z]{8}\\Z")),
        Field("name", "name", String(min_length=1, max_length=255)),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255)),
        Field("created_at", "created_at", DateTime()),
        Field("expires_at", "expires_at", DateTime()),
        Field("is_online", "is_online", Boolean()),
        Field("last_used_at", "last_used_at", DateTime(), required=False),
        Field("client_ip", "client_ip", String(min_length=1, max_length=255), required=False),
        Field("client_ua", "client_ua", String(min_length=1, max_length=1000), required=False),
        Field(
            "codex_version", "codex_version", String(min_length=1, max_length=255), required=False
        ),
        Field("os", "os", String(min_length=1, max_length=255), required=False),
        Field("connected_at", "connected_at", DateTime(), required=False),
        Field("disconnected_at", "disconnected_at", DateTime(), required=False),
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
            made.is_online = value["is_online"]
            made.last_used_at = (
                None
                if (it := value.get("last_used_at")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made.client_ip = value.get("client_ip")
            made.client_ua = value.get("client_ua")
            made.codex_version = value.get("codex_version")
            made.os = value.get("os")
            made.connected_at = (
                None
                if (it := value.get("connected_at")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made.disconnected_at = (
                None
                if (it := value.get("disconnected_at")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CodexBrowserItem)
