"""The model `TraceRecord`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import TraceSource
from agentserver._model import Model, by_value, draft
from agentserver._schema import DateTime, Enum, Field, Integer, String, as_integer, parse_time

_TRACE_SOURCE = by_value(TraceSource)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class TraceRecord(Model):
    """A trace, with the totals of its requests."""

    id: str
    """The trace's id, unique in its workspace. 1 to 255 characters."""
    sandbox_id: str
    """The sandbox that made the first request; empty if it was made with a workspace's own
    token. At most 255 characters.
    """
    workspace_id: str
    """The workspace that it belongs to. 1 to 255 characters."""
    source: TraceSource
    """Where its id is from. One of `header`, `opencode`, `claudecode`, `auto`."""
    created_at: datetime
    """When its first request was made."""
    updated_at: datetime
    """When it last changed."""
    request_count: int
    """Number of requests; 0 if all of them failed. 0 to 2,147,483,647."""
    total_input_tokens: int
    """Tokens of what was sent, as the model counts them. 0 to 9,007,199,254,740,991."""
    total_output_tokens: int
    """Tokens of what was answered. 0 to 9,007,199,254,740,991."""
    total_cache_read_tokens: int
    """Tokens read from the model's cache. 0 to 9,007,199,254,740,991."""
    total_cache_creation_tokens: int
    """Tokens written to the model's cache. 0 to 9,007,199,254,740,991."""
    models: str
    """The models that were called, sorted, separated by a comma and a space; empty if there were
    none.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("sandbox_id", "sandbox_id", String(max_length=255)),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255)),
        Field("source", "source", Enum(lambda: models.TraceSource)),
        Field("created_at", "created_at", DateTime()),
        Field("updated_at", "updated_at", DateTime()),
        Field("request_count", "request_count", Integer(minimum=0, maximum=2147483647)),
        Field(
            "total_input_tokens", "total_input_tokens", Integer(minimum=0, maximum=9007199254740991)
        ),
        Field(
            "total_output_tokens",
            "total_output_tokens",
            Integer(minimum=0, maximum=9007199254740991),
        ),
        Field(
            "total_cache_read_tokens",
            "total_cache_read_tokens",
            Integer(minimum=0, maximum=9007199254740991),
        ),
        Field(
            "total_cache_creation_tokens",
            "total_cache_creation_tokens",
            Integer(minimum=0, maximum=9007199254740991),
        ),
        Field("models", "models", String()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.sandbox_id = value["sandbox_id"]
            made.workspace_id = value["workspace_id"]
            made.source = _TRACE_SOURCE[value["source"]]
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made.updated_at = (
                time if (time := parse_time(value["updated_at"])).tzinfo else value["updated_at"]
            )
            made.request_count = it if type(it := value["request_count"]) is int else as_integer(it)
            made.total_input_tokens = (
                it if type(it := value["total_input_tokens"]) is int else as_integer(it)
            )
            made.total_output_tokens = (
                it if type(it := value["total_output_tokens"]) is int else as_integer(it)
            )
            made.total_cache_read_tokens = (
                it if type(it := value["total_cache_read_tokens"]) is int else as_integer(it)
            )
            made.total_cache_creation_tokens = (
                it if type(it := value["total_cache_creation_tokens"]) is int else as_integer(it)
            )
            made.models = value["models"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(TraceRecord)
