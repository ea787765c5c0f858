"""The model `AgentTaskItem`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import TaskStatus
from agentserver._model import Model, by_value, draft
from agentserver._schema import (
    DateTime,
    Enum,
    Field,
    Integer,
    Number,
    String,
    as_integer,
    parse_time,
)

_TASK_STATUS = by_value(TaskStatus)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AgentTaskItem(Model):
    """A task in a list."""

    task_id: str
    """The task's id. 1 to 255 characters."""
    target_id: str
    """The sandbox of the agent that is to do it. 1 to 255 characters."""
    requester_id: str
    """The sandbox of the agent that wants it done; empty if there is none. At most 255
    characters.
    """
    status: TaskStatus
    """The state. One of `pending`, `assigned`, `running`, `completed`, `failed`, `cancelled`."""
    prompt: str
    """What is to be done. 1 to 65,536 characters."""
    num_turns: int
    """How many turns the agent has taken, as it reported at the end; 0 until then. 0 to
    2,147,483,647.
    """
    created_at: datetime
    """When it was created."""
    skill: str | None = field(default=None)
    """The skill that it is for; omitted if there is none. 1 to 255 characters."""
    total_cost_usd: float | None = field(default=None)
    """What it has cost, as the agent reported at the end; omitted if it did not. 0 to
    1,000,000,000.
    """
    completed_at: datetime | None = field(default=None)
    """When it reached its final state; omitted until then."""
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("task_id", "task_id", String(min_length=1, max_length=255)),
        Field("target_id", "target_id", String(min_length=1, max_length=255)),
        Field("requester_id", "requester_id", String(max_length=255)),
        Field("status", "status", Enum(lambda: models.TaskStatus)),
        Field("prompt", "prompt", String(min_length=1, max_length=65536)),
        Field("num_turns", "num_turns", Integer(minimum=0, maximum=2147483647)),
        Field("created_at", "created_at", DateTime()),
        Field("skill", "skill", String(min_length=1, max_length=255), required=False),
        Field(
            "total_cost_usd",
            "total_cost_usd",
            Number(minimum=0, maximum=1000000000),
            required=False,
        ),
        Field("completed_at", "completed_at", DateTime(), required=False),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.task_id = value["task_id"]
            made.target_id = value["target_id"]
            made.requester_id = value["requester_id"]
            made.status = _TASK_STATUS[value["status"]]
            made.prompt = value["prompt"]
            made.num_turns = it if type(it := value["num_turns"]) is int else as_integer(it)
            made.created_at = (
                time if (time := parse_time(value["created_at"])).tzinfo else value["created_at"]
            )
            made.skill = value.get("skill")
            made.total_cost_usd = value.get("total_cost_usd")
            made.completed_at = (
                None
                if (it := value.get("completed_at")) is None
                else (time if (time := parse_time(it)).tzinfo else it)
            )
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AgentTaskItem)
