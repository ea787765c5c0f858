"""The model `AdminUserQuotaOverrides`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Integer, Model, Time


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
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("max_workspaces", "max_workspaces", Integer(least=0, most=2147483647, nullable=True)),
        Field("updated_at", "updated_at", Time()),
    )
