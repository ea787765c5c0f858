"""The model `AdminUserQuotaDefaults`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Integer, Model


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminUserQuotaDefaults(Model):
    """The installation's default for accounts."""

    max_workspaces_per_user: int
    """Maximum number of workspaces that an account may own; 0 means no limit. 0 to
    2,147,483,647.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(
            "max_workspaces_per_user", "max_workspaces_per_user", Integer(least=0, most=2147483647)
        ),
    )
