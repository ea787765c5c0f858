"""The operation `discover_agents`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._generated import models
from agentserver._model import page
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import AgentCardItem
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[AgentCardItem]]] = Operation(
    id="discover_agents",
    method="GET",
    path="/api/agent/discovery/agents",
    security=("agentToken",),
    security_optional=False,
    success={200: page(Object(lambda: models.AgentCardItem))},
    errors={
        401: "There is no agent's token, or it is not valid, or what it depends on has been deleted."
    },
)


def call() -> Call[Page[AgentCardItem]]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/agent/discovery/agents")
