"""The operation `poll_agent_tasks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import query as _query
from agentserver._generated import models
from agentserver._model import page
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import AgentTaskPollItem
    from agentserver._omit import Omit
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[AgentTaskPollItem]]] = Operation(
    id="poll_agent_tasks",
    method="GET",
    path="/api/agent/tasks/poll",
    security=("agentToken",),
    security_optional=False,
    success={200: page(Object(lambda: models.AgentTaskPollItem), max_items=5)},
    errors={
        400: "A query parameter is invalid; the line names it.",
        401: "There is no agent's token, or it is not valid, or what it depends on has been deleted.",
        403: "The given sandbox is not that of the calling agent.",
    },
    consumes=True,
)


def call(
    *, sandbox_id: str | Omit = OMIT, limit: int | Omit = OMIT
) -> Call[Page[AgentTaskPollItem]]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION, "/api/agent/tasks/poll", query=_query({"sandbox_id": sandbox_id, "limit": limit})
    )
