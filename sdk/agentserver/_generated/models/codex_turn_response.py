"""The model `CodexTurnResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._model import Model, draft
from agentserver._schema import Field, Object, String

if TYPE_CHECKING:
    from agentserver._generated.models import CodexTransportError, CodexTurn


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class CodexTurnResponse(Model):
    """A turn that has ended. It has either `turn` or `transport`."""

    thread_id: str
    """The thread, with which another turn continues it; empty if it could not be begun. At most
    255 characters.
    """
    turn: CodexTurn | None = field(default=None)
    """What codex has done; omitted if it could not be heard to its end."""
    transport: CodexTransportError | None = field(default=None)
    """Why codex could not be heard to its end; omitted if it was."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("threadId", "thread_id", String(max_length=255)),
        Field("turn", "turn", Object(lambda: models.CodexTurn), required=False),
        Field("transport", "transport", Object(lambda: models.CodexTransportError), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.thread_id = value["threadId"]
            made.turn = models.CodexTurn._read(value.get("turn"))
            made.transport = models.CodexTransportError._read(value.get("transport"))
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(CodexTurnResponse)
