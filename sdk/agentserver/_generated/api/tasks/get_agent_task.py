"""The operation `get_agent_task`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import query as _query
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AgentTaskDetail
    from agentserver._omit import Omit


OPERATION: Final[Operation[AgentTaskDetail]] = Operation(
    id="get_agent_task",
    method="GET",
    path="/api/agent/tasks/{task_id}",
    security=("agentToken",),
    security_optional=False,
    success={200: one(lambda: models.AgentTaskDetail)},
    errors={
        400: "A query parameter is invalid; the line names it.",
        401: "There is no agent's token, or it is not valid, or what it depends on has been deleted.",
        403: "The task belongs to another workspace.",
        404: "No task has this id.",
    },
)


def call(task_id: str, *, include_output: bool | Omit = OMIT) -> Call[AgentTaskDetail]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/agent/tasks/{_segment('task_id', task_id)}",
        query=_query({"include_output": include_output}),
    )
