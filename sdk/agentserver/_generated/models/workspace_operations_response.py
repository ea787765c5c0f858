"""The model `WorkspaceOperationsResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Array, Field, Object

if TYPE_CHECKING:
    from agentserver._generated.models import OperationRecord


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class WorkspaceOperationsResponse(Model):
    """Operations of a workspace."""

    operations: list[OperationRecord] = field(hash=False)
    """The operations, the one that began last first. At most 1,000 items."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(
            "operations",
            "operations",
            Array(Object(lambda: models.OperationRecord), max_items=1000),
        ),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.operations = (
                list(map(models.OperationRecord._read, it))
                if isinstance(it := value["operations"], list)
                else ([] if it is None else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(WorkspaceOperationsResponse)
