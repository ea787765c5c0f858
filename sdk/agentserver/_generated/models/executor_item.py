"""The model `ExecutorItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Boolean, DateTime, Field, String, parse_time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class ExecutorItem(Model):
    """An executor."""

    exe_id: str
    """The executor's id."""
    name: str
    """The executor's name, unique in the workspace. 1 to 64 characters."""
    description: str
    """What it is for; may be empty. At most 10,000 characters."""
    is_default: bool
    """Always false; reserved."""
    is_online: bool
    """Whether it is connected, and has given a sign of life within the last 60 seconds."""
    last_seen_at: datetime | None = field(default=None)
    """When it last gave a sign of life; left out if it was never connected."""
    client_ip: str | None = field(default=None)
    """The address of the machine, as far as is known; left out if it was never connected. 1 to
    255 characters.
    """
    client_ua: str | None = field(default=None)
    """The `User-Agent` of the machine's codex. 1 to 1,000 characters."""
    codex_version: str | None = field(default=None)
    """The version of the machine's codex. 1 to 255 characters."""
    os: str | None = field(default=None)
    """The operating system of the machine. 1 to 255 characters."""
    connected_at: datetime | None = field(default=None)
    """When it was last connected; left out if it never was."""
    disconnected_at: datetime | None = field(default=None)
    """When it was last disconnected; left out while it is connected, and if it never was."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(
            "exe_id",
            "exe_id",
            String(pattern="^exe_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\Z"),
        ),
        Field("name", "name", String(min_length=1, max_length=64, pattern="^[A-Za-z0-9._-]+\\Z")),
        Field("description", "description", String(max_length=10000)),
        Field("is_default", "is_default", Boolean()),
        Field("is_online", "is_online", Boolean()),
        Field("last_seen_at", "last_seen_at", DateTime(), required=False),
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
            made.exe_id = value["exe_id"]
            made.name = value["name"]
            made.description = value["description"]
            made.is_default = value["is_default"]
            made.is_online = value["is_online"]
            made.last_seen_at = (
                None
                if (it := value.get("last_seen_at")) is None
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


_draft = draft(ExecutorItem)
