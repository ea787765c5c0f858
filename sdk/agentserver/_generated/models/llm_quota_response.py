"""The model `LLMQuotaResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Field, Integer, Model, Object

if TYPE_CHECKING:
    from agentserver._generated.models import LLMWorkspaceQuotaPart


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class LLMQuotaResponse(Model):
    """How many language-model requests a workspace has made today and may make per day."""

    default_max_rpd: int
    """The installation's limit of requests per day; 0 means no limit. 0 to 2,147,483,647."""
    today_request_count: int
    """Number of requests that the workspace has made since midnight. 0 to 2,147,483,647."""
    workspace_quota: LLMWorkspaceQuotaPart | None
    """The workspace's own limit; null if it has none."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields that came and that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("default_max_rpd", "default_max_rpd", Integer(least=0, most=2147483647)),
        Field("today_request_count", "today_request_count", Integer(least=0, most=2147483647)),
        Field(
            "workspace_quota",
            "workspace_quota",
            Object(lambda: models.LLMWorkspaceQuotaPart, nullable=True),
        ),
    )
