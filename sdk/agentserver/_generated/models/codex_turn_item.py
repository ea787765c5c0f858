"""The model `CodexTurnItem`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import Field, String


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CodexTurnItem(Model):
    """A part of a turn. Which other fields it has depends on its type."""

    type: str
    """What it is, such as `userMessage`, `agentMessage` or `commandExecution`. 1 to 255
    characters.
    """
    id: str | None = field(default=None)
    """The part's id within the turn. 1 to 255 characters."""
    text: str | None = field(default=None)
    """What was said, in an `agentMessage`."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("type", "type", String(min_length=1, max_length=255)),
        Field("id", "id", String(min_length=1, max_length=255), required=False),
        Field("text", "text", String(), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.type = value["type"]
            made.id = value.get("id")
            made.text = value.get("text")
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CodexTurnItem)
