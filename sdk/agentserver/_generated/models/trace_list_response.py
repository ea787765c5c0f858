"""The model `TraceListResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Array, Field, Integer, Object, as_integer

if TYPE_CHECKING:
    from agentserver._generated.models import TraceRecord


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class TraceListResponse(Model):
    """A page of traces."""

    traces: list[TraceRecord] = field(hash=False)
    """The traces, the last changed first."""
    total: int
    """How many traces there are, whatever the page. 0 to 2,147,483,647."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("traces", "traces", Array(Object(lambda: models.TraceRecord))),
        Field("total", "total", Integer(minimum=0, maximum=2147483647)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.traces = (
                list(map(models.TraceRecord._read, it))
                if isinstance(it := value["traces"], list)
                else ([] if it is None else it)
            )
            made.total = it if type(it := value["total"]) is int else as_integer(it)
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(TraceListResponse)
