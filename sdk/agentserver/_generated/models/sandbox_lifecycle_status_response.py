"""The model `SandboxLifecycleStatusResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import SandboxStatus
from agentserver._model import Model, by_value, draft
from agentserver._schema import Enum, Field

_SANDBOX_STATUS = by_value(SandboxStatus)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class SandboxLifecycleStatusResponse(Model):
    """The state that a sandbox is in from now on, until the change is done."""

    status: SandboxStatus
    """The state, `pausing` or `resuming`. One of `creating`, `running`, `pausing`, `paused`,
    `resuming`, `offline`.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("status", "status", Enum(lambda: models.SandboxStatus)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.status = _SANDBOX_STATUS[value["status"]]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(SandboxLifecycleStatusResponse)
