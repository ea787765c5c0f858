"""The model `LLMWorkspaceQuotaPart`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Field, Integer, Model, Text, Time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class LLMWorkspaceQuotaPart(Model):
    """A workspace's own limit of language-model requests."""

    workspace_id: str
    """The workspace's id. 1 to 255 characters."""
    max_rpd: int | None
    """Requests per day; 0 means no limit, null that the default applies. 0 to 2,147,483,647."""
    updated_at: datetime
    """When it was last set."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("workspace_id", "workspace_id", Text(shortest=1, longest=255)),
        Field("max_rpd", "max_rpd", Integer(least=0, most=2147483647, nullable=True)),
        Field("updated_at", "updated_at", Time()),
    )
