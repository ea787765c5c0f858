"""The model `Sandbox`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import SandboxKind, SandboxStatus
from agentserver._model import Model, by_value, draft
from agentserver._schema import (
    Anything,
    Array,
    Boolean,
    DateTime,
    Enum,
    Field,
    Integer,
    Map,
    Object,
    String,
    as_integer,
    parse_time,
)

if TYPE_CHECKING:
    from agentserver._generated.models import IMBinding
_SANDBOX_KIND = by_value(SandboxKind)
_SANDBOX_STATUS = by_value(SandboxStatus)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class Sandbox(Model):
    """A sandbox. Its web address is in the field of its type, if the server has a base domain."""

    id: str
    """The sandbox's id. 1 to 255 characters."""
    workspace_id: str
    """The workspace that it belongs to. 1 to 255 characters."""
    name: str
    """The sandbox's name, which need not be unique. 1 to 255 characters."""
    type: SandboxKind
    """The kind of agent that runs in it. One of `opencode`, `openclaw`, `nanoclaw`,
    `claudecode`, `jupyter`, `custom`.
    """
    status: SandboxStatus
    """The sandbox's state. One of `creating`, `running`, `pausing`, `paused`, `resuming`,
    `offline`.
    """
    created_at: datetime
    """When it was created."""
    last_activity_at: datetime | None
    """When it was last active, which the idle timeout is counted from; null if it never was."""
    paused_at: datetime | None
    """When it was paused; null while it is running."""
    is_local: bool
    """Whether it runs on a person's own machine rather than in a container."""
    short_id: str | None = field(default=None)
    """A short id, for web addresses; omitted for sandboxes of old versions."""
    opencode_url: str | None = field(default=None)
    """The web address, without any token; for sandboxes of this type only."""
    openclaw_url: str | None = field(default=None)
    """The web address, without any token; for sandboxes of this type only."""
    claudecode_url: str | None = field(default=None)
    """The web address, without any token; for sandboxes of this type only."""
    jupyter_url: str | None = field(default=None)
    """The web address, without any token; for sandboxes of this type only."""
    last_heartbeat_at: datetime | None = field(default=None)
    """When its agent last called the server, within 10 seconds; omitted if it never did."""
    cpu: int | None = field(default=None)
    """CPU limit, in millicores; omitted if it has none. 0 to 2,147,483,647."""
    memory: int | None = field(default=None)
    """Memory limit, in bytes; omitted if it has none. 0 to 9,007,199,254,740,991."""
    idle_timeout: int | None = field(default=None)
    """Seconds without activity after which it is paused, 0 for never; omitted if it has none of
    its own. 0 to 2,147,483,647.
    """
    metadata: dict[str, Any] | None = field(default=None, hash=False)
    """What was given at its creation; omitted if that was nothing."""
    im_bindings: list[IMBinding] | None = field(default=None, hash=False)
    """The channel that is bound to it; omitted if there is none, for other types than `openclaw`
    and `nanoclaw`, and when it is created or renamed. 1 to 1 items.
    """
    weixin_bindings: list[IMBinding] | None = field(default=None, hash=False)
    """The same, if it is a channel of WeChat. 1 to 1 items."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255)),
        Field("name", "name", String(min_length=1, max_length=255)),
        Field("type", "type", Enum(lambda: models.SandboxKind)),
        Field("status", "status", Enum(lambda: models.SandboxStatus)),
        Field("created_at", "created_at", DateTime()),
        Field("last_activity_at", "last_activity_at", DateTime(nullable=True)),
        Field("paused_at", "paused_at", DateTime(nullable=True)),
        Field("is_local", "is_local", Boolean()),
        Field("short_id", "short_id", String(pattern="^[0-9a-z]{8}\\Z"), required=False),
        Field(
            "opencode_url",
            "opencode_url",
            String(pattern="^https://[a-z0-9.-]+/\\Z"),
            required=False,
        ),
        Field(
            "openclaw_url",
            "openclaw_url",
            String(pattern="^https://[a-z0-9.-]+/\\Z"),
            required=False,
        ),
        Field(
            "claudecode_url",
            "claudecode_url",
            String(pattern="^https://[a-z0-9.-]+/\\Z"),
            required=False,
        ),
        Field(
            "jupyter_url", "jupyter_url", String(pattern="^https://[a-z0-9.-]+/\\Z"), required=False
        ),
        Field("last_heartbeat_at", "last_heartbeat_at", DateTime(), required=False),
        Field("cpu", "cpu", Integer(minimum=0, maximum=2147483647), required=False),
        Field("memory", "memory", Integer(minimum=0, maximum=9007199254740991), required=False),
        Field(
            "idle_timeout", "idle_timeout", Integer(minimum=0, maximum=2147483647), required=False
        ),
        Field("metadata", "metadata", Map(Anything()), required=False),
        Field(
            "im_bindings",
            "im_bindings",
            Array(Object(lambda: models.IMBinding), min_items=1, max_items=1),
            required=False,
        ),
        Field(
            "weixin_bindings",
            "weixin_bindings",
            Array(Object(lambda: models.IMBinding), min_items=1, max_items=1),
            required=False,
        ),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.workspace_id = value["workspace_id"]
            made.name = value["name"]
            made.type = _SANDBOX_KIND[value["type"]]
            made.status = _SANDBOX_STATUS[value["status"]]
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made.last_activity_at = (
                None
                if (it := value["last_activity_at"]) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made.paused_at = (
                None
                if (it := value["paused_at"]) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made.is_local = value["is_local"]
            made.short_id = value.get("short_id")
            made.opencode_url = value.get("opencode_url")
            made.openclaw_url = value.get("openclaw_url")
            made.claudecode_url = value.get("claudecode_url")
            made.jupyter_url = value.get("jupyter_url")
            made.last_heartbeat_at = (
                None
                if (it := value.get("last_heartbeat_at")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made.cpu = it if type(it := value.get("cpu")) is int else as_integer(it)
            made.memory = it if type(it := value.get("memory")) is int else as_integer(it)
            made.idle_timeout = (
                it if type(it := value.get("idle_timeout")) is int else as_integer(it)
            )
            made.metadata = (
                cls.FIELDS[18].schema.read(value["metadata"]) if "metadata" in value else None
            )
            made.im_bindings = (
                list(map(models.IMBinding._read, it))
                if isinstance(it := value.get("im_bindings"), list)
                else ([] if it is None and "im_bindings" in value else it)
            )
            made.weixin_bindings = (
                list(map(models.IMBinding._read, it))
                if isinstance(it := value.get("weixin_bindings"), list)
                else ([] if it is None and "weixin_bindings" in value else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(Sandbox)
