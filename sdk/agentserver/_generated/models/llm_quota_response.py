"""The model `LLMQuotaResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Field, Integer, Object, as_integer

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
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("default_max_rpd", "default_max_rpd", Integer(minimum=0, maximum=2147483647)),
        Field("today_request_count", "today_request_count", Integer(minimum=0, maximum=2147483647)),
        Field(
            "workspace_quota",
            "workspace_quota",
            Object(lambda: models.LLMWorkspaceQuotaPart, nullable=True),
        ),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.default_max_rpd = (
                it if type(it := value["default_max_rpd"]) is int else as_integer(it)
            )
            made.today_request_count = (
                it if type(it := value["today_request_count"]) is int else as_integer(it)
            )
            made.workspace_quota = models.LLMWorkspaceQuotaPart._read(value["workspace_quota"])
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(LLMQuotaResponse)
