"""The model `AdminUserQuotaOverrides`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import DateTime, Field, Integer, as_integer, parse_time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminUserQuotaOverrides(Model):
    """An account's override."""

    max_workspaces: int | None
    """Maximum number of workspaces for the account; 0 means no limit, null that the default
    applies. 0 to 2,147,483,647.
    """
    updated_at: datetime
    """When it was last set."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(
            "max_workspaces",
            "max_workspaces",
            Integer(minimum=0, maximum=2147483647, nullable=True),
        ),
        Field("updated_at", "updated_at", DateTime()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.max_workspaces = (
                it if type(it := value["max_workspaces"]) is int else as_integer(it)
            )
            made.updated_at = (
                time if (time := parse_time(value["updated_at"])).tzinfo else value["updated_at"]
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AdminUserQuotaOverrides)
