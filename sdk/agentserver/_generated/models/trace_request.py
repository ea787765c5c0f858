"""The model `TraceRequest`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Boolean, DateTime, Field, Integer, String, as_integer, parse_time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class TraceRequest(Model):
    """A request to a language model."""

    id: str
    """The request's id. 1 to 255 characters."""
    sandbox_id: str
    """The sandbox that made it; empty if it was made with a workspace's own token. At most 255
    characters.
    """
    workspace_id: str
    """The workspace that made it. 1 to 255 characters."""
    provider: str
    """Whose API was called, such as `anthropic` or `openai`. 1 to 255 characters."""
    model: str
    """The model, as its answers name it. 1 to 255 characters."""
    input_tokens: int
    """Tokens of what was sent, as the model counts them. 0 to 9,007,199,254,740,991."""
    output_tokens: int
    """Tokens of what was answered. 0 to 9,007,199,254,740,991."""
    cache_creation_input_tokens: int
    """Tokens written to the model's cache. 0 to 9,007,199,254,740,991."""
    cache_read_input_tokens: int
    """Tokens read from the model's cache. 0 to 9,007,199,254,740,991."""
    streaming: bool
    """Whether the answer was streamed."""
    duration: int
    """Milliseconds from the request to the end of the answer. 0 to 9,007,199,254,740,991."""
    ttft: int
    """Milliseconds to the first part of a streamed answer; 0 if it was not streamed. 0 to
    9,007,199,254,740,991.
    """
    created_at: datetime
    """When it was made."""
    trace_id: str | None = field(default=None)
    """The trace that it belongs to. 1 to 255 characters."""
    message_id: str | None = field(default=None)
    """The id that the model gave its answer; omitted if it gave none. 1 to 255 characters."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("sandbox_id", "sandbox_id", String(max_length=255)),
        Field("workspace_id", "workspace_id", String(min_length=1, max_length=255)),
        Field("provider", "provider", String(min_length=1, max_length=255)),
        Field("model", "model", String(min_length=1, max_length=255)),
        Field("input_tokens", "input_tokens", Integer(minimum=0, maximum=9007199254740991)),
        Field("output_tokens", "output_tokens", Integer(minimum=0, maximum=9007199254740991)),
        Field(
            "cache_creation_input_tokens",
            "cache_creation_input_tokens",
            Integer(minimum=0, maximum=9007199254740991),
        ),
        Field(
            "cache_read_input_tokens",
            "cache_read_input_tokens",
            Integer(minimum=0, maximum=9007199254740991),
        ),
        Field("streaming", "streaming", Boolean()),
        Field("duration", "duration", Integer(minimum=0, maximum=9007199254740991)),
        Field("ttft", "ttft", Integer(minimum=0, maximum=9007199254740991)),
        Field("created_at", "created_at", DateTime()),
        Field("trace_id", "trace_id", String(min_length=1, max_length=255), required=False),
        Field("message_id", "message_id", String(min_length=1, max_length=255), required=False),
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
            made.provider = value["provider"]
            made.model = value["model"]
            made.input_tokens = it if type(it := value["input_tokens"]) is int else as_integer(it)
            made.output_tokens = it if type(it := value["output_tokens"]) is int else as_integer(it)
            made.cache_creation_input_tokens = (
                it if type(it := value["cache_creation_input_tokens"]) is int else as_integer(it)
            )
            made.cache_read_input_tokens = (
                it if type(it := value["cache_read_input_tokens"]) is int else as_integer(it)
            )
            made.streaming = value["streaming"]
            made.duration = it if type(it := value["duration"]) is int else as_integer(it)
            made.ttft = it if type(it := value["ttft"]) is int else as_integer(it)
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made.trace_id = value.get("trace_id")
            made.message_id = value.get("message_id")
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(TraceRequest)
