"""The model `TraceDetailResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Array, Field, Object

if TYPE_CHECKING:
    from agentserver._generated.models import TraceRecord, TraceRequest


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class TraceDetailResponse(Model):
    """A trace and its requests."""

    trace: TraceRecord
    """The trace."""
    requests: list[TraceRequest] = field(hash=False)
    """The requests, the oldest first."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("trace", "trace", Object(lambda: models.TraceRecord)),
        Field("requests", "requests", Array(Object(lambda: models.TraceRequest))),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.trace = models.TraceRecord._read(value["trace"])
            made.requests = (
                list(map(models.TraceRequest._read, it))
                if isinstance(it := value["requests"], list)
                else ([] if it is None else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(TraceDetailResponse)
