"""The model `WorkspaceQuotaResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, Integer, as_integer


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class WorkspaceQuotaResponse(Model):
    """How many workspaces an account owns, or sandboxes a workspace has, and how many there may
    be.
    """

    current: int
    """How many there are. 0 to 2,147,483,647."""
    max: int
    """How many there may be; 0 means no limit. 0 to 2,147,483,647."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("current", "current", Integer(minimum=0, maximum=2147483647)),
        Field("max", "max", Integer(minimum=0, maximum=2147483647)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.current = it if type(it := value["current"]) is int else as_integer(it)
            made.max = it if type(it := value["max"]) is int else as_integer(it)
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(WorkspaceQuotaResponse)
