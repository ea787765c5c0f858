"""The model `OperationRecord`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import OperationSource
from agentserver._model import Model, by_value, draft
from agentserver._schema import (
    Anything,
    Boolean,
    DateTime,
    Enum,
    Field,
    Integer,
    Map,
    String,
    as_integer,
    parse_time,
)

_OPERATION_SOURCE = by_value(OperationSource)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class OperationRecord(Model):
    """Something that was done in a workspace."""

    id: str
    """The operation's id."""
    workspace_id: str
    """The workspace. 1 to 255 characters."""
    source: OperationSource
    """Its source. One of `sdk`, `tui`, `im`."""
    env_id: str
    """The environment in which it was done. `local` is the server's own. 1 to 255 characters."""
    tool: str
    """What was done. `turn` is a whole turn. 1 to 255 characters."""
    is_error: bool
    """Whether it failed."""
    started_at: datetime
    """When it began."""
    completed_at: datetime
    """When it ended."""
    duration_ms: int
    """How many milliseconds it took. 0 to 2,147,483,647."""
    user_id: str | None = field(default=None)
    """The person who had it done; omitted if it was a program with an API key. 1 to 255
    characters.
    """
    thread_id: str | None = field(default=None)
    """The thread; omitted if none was begun. 1 to 255 characters."""
    request_id: str | None = field(default=None)
    """The `X-Request-Id` of the request that had it done; omitted if there was none. 1 to 128
    characters.
    """
    arguments: dict[str, Any] | None = field(default=None, hash=False)
    """What the tool was given; omitted if that is longer than 65,536 bytes as JSON without
    blanks, in UTF-8.
    """
    arguments_meta: dict[str, Any] | None = field(default=None, hash=False)
    """For arguments that are omitted for their length: `truncated` is true, `size_bytes` their
    length and `sha256` their SHA-256 as JSON without blanks, in UTF-8.
    """
    result_summary: str | None = field(default=None)
    """The result, cut at 4,096 bytes; omitted if there is none. That of a turn is what the agent
    said last, or why the turn failed. At most 4,096 characters.
    """
    result_meta: dict[str, Any] | None = field(default=None, hash=False)
    """For a result that is cut: `truncated` is true, `total_bytes` its length and `sha256` its
    SHA-256 as UTF-8.
    """
    notebook_path: str | None = field(default=None)
    """The notebook it belongs to; omitted without one. At most 4,096 characters."""
    cell_id: str | None = field(default=None)
    """The cell of the notebook; omitted without one. At most 255 characters."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String()),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255)),
        Field("source", "source", Enum(lambda: models.OperationSource)),
        Field("env_id", "env_id", String(min_length=1, max_length=255)),
        Field("tool", "tool", String(min_length=1, max_length=255)),
        Field("is_error", "is_error", Boolean()),
        Field("started_at", "started_at", DateTime()),
        Field("completed_at", "completed_at", DateTime()),
        Field("duration_ms", "duration_ms", Integer(minimum=0, maximum=2147483647)),
        Field("user_id", "user_id", String(min_length=1, max_length=255), required=False),
        Field("thread_id", "thread_id", String(min_length=1, max_length=255), required=False),
        Field("request_id", "request_id", String(min_length=1, max_length=128), required=False),
        Field("arguments", "arguments", Map(Anything()), required=False),
        Field("arguments_meta", "arguments_meta", Map(Anything()), required=False),
        Field("result_summary", "result_summary", String(max_length=4096), required=False),
        Field("result_meta", "result_meta", Map(Anything()), required=False),
        Field("notebook_path", "notebook_path", String(max_length=4096), required=False),
        Field("cell_id", "cell_id", String(max_length=255), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.workspace_id = value["workspace_id"]
            made.source = _OPERATION_SOURCE[value["source"]]
            made.env_id = value["env_id"]
            made.tool = value["tool"]
            made.is_error = value["is_error"]
            made.started_at = (
                time if (time := parse_time(value["started_at"])).tzinfo else value["started_at"]
            )
            made.completed_at = (
                time
                if (time := parse_time(value["completed_at"])).tzinfo
                else value["completed_at"]
            )
            made.duration_ms = it if type(it := value["duration_ms"]) is int else as_integer(it)
            made.user_id = value.get("user_id")
            made.thread_id = value.get("thread_id")
            made.request_id = value.get("request_id")
            made.arguments = (
                cls.FIELDS[12].schema.read(value["arguments"]) if "arguments" in value else None
            )
            made.arguments_meta = (
                cls.FIELDS[13].schema.read(value["arguments_meta"])
                if "arguments_meta" in value
                else None
            )
            made.result_summary = value.get("result_summary")
            made.result_meta = (
                cls.FIELDS[15].schema.read(value["result_meta"]) if "result_meta" in value else None
            )
            made.notebook_path = value.get("notebook_path")
            made.cell_id = value.get("cell_id")
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(OperationRecord)
