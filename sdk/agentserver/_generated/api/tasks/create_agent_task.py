"""The operation `create_agent_task`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentserver._generated.models import AgentTaskCreateResponse
    from agentserver._omit import Omit


OPERATION: Final[Operation[AgentTaskCreateResponse]] = Operation(
    id="create_agent_task",
    method="POST",
    path="/api/agent/tasks",
    security=("agentToken",),
    security_optional=False,
    success={201: one(lambda: models.AgentTaskCreateResponse)},
    errors={
        400: "The body violates its schema, or a rule between its fields. The message names the field and the rule.",
        401: "There is no agent's token, or it is not valid, or what it depends on has been deleted.",
        403: "The target belongs to another workspace.",
        404: "No sandbox has the id of the target.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
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
        "/api/agent/tasks",
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
