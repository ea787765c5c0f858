"""The operation `list_agent_interactions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import query as _query
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import page
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import AgentInteractionItem
    from agentserver._omit import Omit
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[AgentInteractionItem]]] = Operation(
    id="list_agent_interactions",
    method="GET",
    path="/api/workspaces/{workspace_id}/agent-interactions",
    security=("sessionCookie",),
    security_optional=False,
    success={200: page(Object(lambda: models.AgentInteractionItem), max_items=200)},
    errors={
        400: "A query parameter is invalid; the line names it.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
    },
)


def call(
    workspace_id: str, *, limit: int | Omit = OMIT, offset: int | Omit = OMIT
) -> Call[Page[AgentInteractionItem]]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/agent-interactions",
        query=_query({"limit": limit, "offset": offset}),
    )
