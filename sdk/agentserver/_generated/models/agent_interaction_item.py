"""The model `AgentInteractionItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import AgentInteractionAction, AgentInteractionTarget
from agentserver._model import Model, by_value, draft
from agentserver._schema import (
    Anything,
    DateTime,
    Enum,
    Field,
    Integer,
    Map,
    String,
    as_integer,
    parse_time,
)

_AGENT_INTERACTION_ACTION = by_value(AgentInteractionAction)
_AGENT_INTERACTION_TARGET = by_value(AgentInteractionTarget)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AgentInteractionItem(Model):
    """One thing that was done."""

    id: int
    """The number of the interaction, higher than that of all earlier ones. 1 to
    9,007,199,254,740,991.
    """
    actor_id: str | None
    """The sandbox of the agent that did it, or the `requester_id` with which a person created a
    task; null if it was a person or the server, or the sandbox has been deleted. 1 to 255
    characters.
    """
    action: AgentInteractionAction
    """What was done. One of `task_created`, `task_status_changed`, `task_cancelled`,
    `message_sent`.
    """
    target_id: str
    """The id of the task or of the message. 1 to 255 characters."""
    target_type: AgentInteractionTarget
    """What the id is of. One of `task`, `message`."""
    created_at: datetime
    """When it was done."""
    detail: dict[str, Any] | None = field(default=None, hash=False)
    """`target_id` and `skill` (empty without one) of a new task, `status` of a task that changed
    its state, `to` and `msg_type` of a message; omitted if there is nothing to add.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("id", "id", Integer(minimum=1, maximum=9007199254740991)),
        Field("actor_id", "actor_id", String(min_length=1, max_length=255, nullable=True)),
        Field("action", "action", Enum(lambda: models.AgentInteractionAction)),
        Field("target_id", "target_id", String(min_length=1, max_length=255)),
        Field("target_type", "target_type", Enum(lambda: models.AgentInteractionTarget)),
        Field("created_at", "created_at", DateTime()),
        Field("detail", "detail", Map(Anything()), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.id = it if type(it := value["id"]) is int else as_integer(it)
            made.actor_id = value["actor_id"]
            made.action = _AGENT_INTERACTION_ACTION[value["action"]]
            made.target_id = value["target_id"]
            made.target_type = _AGENT_INTERACTION_TARGET[value["target_type"]]
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made.detail = cls.FIELDS[6].schema.read(value["detail"]) if "detail" in value else None
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AgentInteractionItem)
