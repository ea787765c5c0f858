"""The operation `update_agent_task_status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from typing import Literal

    from agentserver._generated.models import ReportedTaskStatus
    from agentserver._omit import Omit


OPERATION: Final[Operation[None]] = Operation(
    id="update_agent_task_status",
    method="PUT",
    path="/api/agent/tasks/{task_id}/status",
    security=("agentToken",),
    security_optional=False,
    success={200: None},
    errors={
        400: "The body violates its schema, or a rule between its fields. The message names the field and the rule.",
        401: "There is no agent's token, or it is not valid, or what it depends on has been deleted.",
        403: "The task belongs to another agent, of this workspace or of another.",
        404: "No task has this id.",
        409: "The task is finished.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    task_id: str,
    *,
    status: Literal["running", "completed", "failed", "cancelled"] | ReportedTaskStatus,
    failure_reason: str | Omit = OMIT,
    result: Any | Omit = OMIT,
    total_cost_usd: float | Omit | None = OMIT,
    num_turns: int | Omit = OMIT,
) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/agent/tasks/{_segment('task_id', task_id)}/status",
        body=_body(
            {
                "status": status,
                "failure_reason": failure_reason,
                "result": result,
                "total_cost_usd": total_cost_usd,
                "num_turns": num_turns,
            },
            required=True,
        ),
    )
