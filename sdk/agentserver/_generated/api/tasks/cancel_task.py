"""The operation `cancel_task`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AgentTaskCancelResponse


OPERATION: Final[Operation[AgentTaskCancelResponse]] = Operation(
    id="cancel_task",
    method="POST",
    path="/api/tasks/{task_id}/cancel",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.AgentTaskCancelResponse)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "No task has this id.",
        409: "The task is finished.",
    },
)


def call(task_id: str) -> Call[AgentTaskCancelResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/tasks/{_segment('task_id', task_id)}/cancel")
