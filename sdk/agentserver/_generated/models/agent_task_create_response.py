"""The model `AgentTaskCreateResponse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from agentserver._generated import models
from agentserver._generated.models import TaskStatus
from agentserver._model import Model, by_value, draft
from agentserver._schema import Enum, Field, String

_TASK_STATUS = by_value(TaskStatus)


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class AgentTaskCreateResponse(Model):
    """A new task."""

    task_id: str
    """The task's id. 1 to 255 characters."""
    session_id: str
    """Always empty, since tasks have no session of their own. At most 255 characters."""
    status: TaskStatus
    """The state, `pending`. One of `pending`, `assigned`, `running`, `completed`, `failed`,
    `cancelled`.
    """
    additional_properties: Mapping[str, Any] = field(factory=dict[str, Any], hash=False)
    """Fields of the answer that the contract does not know."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("task_id", "task_id", String(min_length=1, max_length=255)),
        Field("session_id", "session_id", String(max_length=255)),
        Field("status", "status", Enum(lambda: models.TaskStatus)),
    )

    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = _draft()
        try:
            made.task_id = value["task_id"]
            made.session_id = value["session_id"]
            made.status = _TASK_STATUS[value["status"]]
            made._wire = value
            made.__class__ = cls
        except (KeyError, TypeError, ValueError):
            return cls._read_by_table(value)
        return made


_draft = draft(AgentTaskCreateResponse)
