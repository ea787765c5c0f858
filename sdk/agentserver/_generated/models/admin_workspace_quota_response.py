"""The model `AdminWorkspaceQuotaResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Field, Object

if TYPE_CHECKING:
    from agentserver._generated.models import (
        AdminWorkspaceQuotaDefaults,
        AdminWorkspaceQuotaOverrides,
    )


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AdminWorkspaceQuotaResponse(Model):
    """A workspace's limits, as defaults and overrides."""

    defaults: AdminWorkspaceQuotaDefaults
    """What applies unless it is overridden."""
    overrides: AdminWorkspaceQuotaOverrides | None
    """The workspace's overrides; null if there are none."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("defaults", "defaults", Object(lambda: models.AdminWorkspaceQuotaDefaults)),
        Field(
            "overrides",
            "overrides",
            Object(lambda: models.AdminWorkspaceQuotaOverrides, nullable=True),
        ),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.defaults = models.AdminWorkspaceQuotaDefaults._read(value["defaults"])
            made.overrides = models.AdminWorkspaceQuotaOverrides._read(value["overrides"])
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AdminWorkspaceQuotaResponse)
