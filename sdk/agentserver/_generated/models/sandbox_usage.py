"""The model `SandboxUsage`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Array, DateTime, Field, Object, parse_time

if TYPE_CHECKING:
    from agentserver._generated.models import SandboxUsageSummary


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class SandboxUsage(Model):
    """The language-model usage of a sandbox."""

    usage: list[SandboxUsageSummary] = field(hash=False)
    """One row for each provider and model, sorted by both."""
    since: datetime | None = field(default=None)
    """The time from which requests are counted; omitted if all are."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("usage", "usage", Array(Object(lambda: models.SandboxUsageSummary))),
        Field("since", "since", DateTime(), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.usage = (
                list(map(models.SandboxUsageSummary._read, it))
                if isinstance(it := value["usage"], list)
                else ([] if it is None else it)
            )
            made.since = (
                None
                if (it := value.get("since")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(SandboxUsage)
