"""The operation `create_workspace_task`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentserver._generated.models import AgentTaskCreateResponse
    from agentserver._omit import Omit


OPERATION: Final[Operation[AgentTaskCreateResponse]] = Operation(
    id="create_workspace_task",
    method="POST",
    path="/api/workspaces/{workspace_id}/tasks",
    security=("sessionCookie",),
    security_optional=False,
    success={201: one(lambda: models.AgentTaskCreateResponse)},
    errors={
        400: "The body violates its schema, or a rule between its fields. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this, or the target belongs to another workspace.",
        404: "No sandbox has the id of the target.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    workspace_id: str,
    *,
    target_id: str,
    prompt: str,
    skill: str | Omit = OMIT,
    system_context: str | Omit = OMIT,
    max_turns: int | Omit = OMIT,
    max_budget_usd: float | Omit = OMIT,
    timeout_seconds: int | Omit = OMIT,
    delegation_chain: Sequence[str] | Omit = OMIT,
    requester_id: str | Omit = OMIT,
) -> Call[AgentTaskCreateResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/tasks",
        body=_body(
            {
                "target_id": target_id,
                "prompt": prompt,
                "skill": skill,
                "system_context": system_context,
                "max_turns": max_turns,
                "max_budget_usd": max_budget_usd,
                "timeout_seconds": timeout_seconds,
                "delegation_chain": delegation_chain,
                "requester_id": requester_id,
            },
            required=True,
        ),
    )
