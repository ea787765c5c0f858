"""The model `IMSandboxUnbindResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class IMSandboxUnbindResponse(Model):
    """No channel is bound to the sandbox."""

    status: str
    """Always `unbound`."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (Field("status", "status", String(const="unbound")),)

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.status = value["status"]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(IMSandboxUnbindResponse)
