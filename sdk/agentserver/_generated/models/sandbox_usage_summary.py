"""The model `SandboxUsageSummary`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, Integer, String, as_integer


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class SandboxUsageSummary(Model):
    """The requests to one model of one provider."""

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
    request_count: int
    """Number of requests. 0 to 2,147,483,647."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
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
        Field("request_count", "request_count", Integer(minimum=0, maximum=2147483647)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
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
            made.request_count = it if type(it := value["request_count"]) is int else as_integer(it)
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(SandboxUsageSummary)
