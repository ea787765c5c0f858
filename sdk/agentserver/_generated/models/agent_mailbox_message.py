"""The model `AgentMailboxMessage`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._model import Model, draft
from agentserver._schema import DateTime, Field, String, parse_time


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AgentMailboxMessage(Model):
    """A message to the calling agent."""

    id: str
    """The message's id. 1 to 255 characters."""
    from_: str
    """The sandbox of the agent that has sent it. 1 to 255 characters."""
    text: str
    """The message. 1 to 65,536 characters."""
    msg_type: str
    """What kind of message it is. 1 to 255 characters."""
    created_at: datetime
    """When it was sent."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", String(min_length=1, max_length=255)),
        Field("from", "from_", String(min_length=1, max_length=255)),
        Field("text", "text", String(min_length=1, max_length=65536)),
        Field("msg_type", "msg_type", String(min_length=1, max_length=255)),
        Field("created_at", "created_at", DateTime()),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = value["id"]
            made.from_ = value["from"]
            made.text = value["text"]
            made.msg_type = value["msg_type"]
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AgentMailboxMessage)
