"""The model `WorkspaceQuotaResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Integer, Model


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class WorkspaceQuotaResponse(Model):
    """How many workspaces an account owns and may own."""

    current: int
    """How many workspaces the account owns. 0 to 2,147,483,647."""
    max: int
    """How many it may own; 0 means no limit. 0 to 2,147,483,647."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("current", "current", Integer(least=0, most=2147483647)),
        Field("max", "max", Integer(least=0, most=2147483647)),
    )
