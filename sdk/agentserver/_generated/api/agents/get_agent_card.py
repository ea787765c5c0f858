"""The operation `get_agent_card`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AgentCardItem


OPERATION: Final[Operation[AgentCardItem]] = Operation(
    id="get_agent_card",
    method="GET",
    path="/api/agents/{sandbox_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.AgentCardItem)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "No sandbox has this id, or its agent has not published a card.",
    },
)


def call(sandbox_id: str) -> Call[AgentCardItem]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/agents/{_segment('sandbox_id', sandbox_id)}")
