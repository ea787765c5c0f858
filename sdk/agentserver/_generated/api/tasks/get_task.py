"""The operation `get_task`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import query as _query
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation
from agentserver.waiting import Waiting

if TYPE_CHECKING:
    from agentserver._generated.models import AgentTaskDetail
    from agentserver._omit import Omit


OPERATION: Final[Operation[AgentTaskDetail]] = Operation(
    id="get_task",
    method="GET",
    path="/api/tasks/{task_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.AgentTaskDetail)},
    errors={
        400: "A query parameter is invalid; the line names it.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "No task has this id.",
    },
)


def call(task_id: str, *, include_output: bool | Omit = OMIT) -> Call[AgentTaskDetail]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/tasks/{_segment('task_id', task_id)}",
        query=_query({"include_output": include_output}),
    )


WAITING: Final[Waiting[AgentTaskDetail]] = Waiting(
    read=call,
    field="status",
    until="completed",
    dead_ends={
        "completed": frozenset(["failed", "cancelled"]),
        "failed": frozenset(["completed", "cancelled"]),
        "cancelled": frozenset(["completed", "failed"]),
    },
)
