"""The model `CodexTurn`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import CodexTurnStatus
from agentserver._model import Model, by_value, draft
from agentserver._schema import Array, Enum, Field, Object, String

if TYPE_CHECKING:
    from agentserver._generated.models import CodexTurnError, CodexTurnItem
_CODEX_TURN_STATUS = by_value(CodexTurnStatus)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CodexTurn(Model):
    """A turn as codex shows it, which may have more fields."""

    id: str
    """The turn's id. 1 to 255 characters."""
    status: CodexTurnStatus
    """How it ended. One of `completed`, `failed`, `interrupted`."""
    items: list[CodexTurnItem] = field(hash=False)
    """What was said and done, in its order."""
    error: CodexTurnError | None = field(default=None)
    """Why it failed; null or omitted if it did not."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("status", "status", Enum(lambda: models.CodexTurnStatus)),
        Field("items", "items", Array(Object(lambda: models.CodexTurnItem))),
        Field(
            "error", "error", Object(lambda: models.CodexTurnError, nullable=True), required=False
        ),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.status = _CODEX_TURN_STATUS[value["status"]]
            made.items = (
                list(map(models.CodexTurnItem._read, it))
                if isinstance(it := value["items"], list)
                else ([] if it is None else it)
            )
            made.error = models.CodexTurnError._read(value.get("error"))
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CodexTurn)
