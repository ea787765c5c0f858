"""The operation `list_executors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import page
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import ExecutorItem
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[ExecutorItem]]] = Operation(
    id="list_executors",
    method="GET",
    path="/api/workspaces/{workspace_id}/executors",
    security=("sessionCookie",),
    security_optional=False,
    success={200: page(Object(lambda: models.ExecutorItem))},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        502: "The gateway to which executors are connected is unreachable or sent an invalid response.",
        503: "Executors are disabled on this server.",
    },
)


def call(workspace_id: str) -> Call[Page[ExecutorItem]]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/workspaces/{_segment('workspace_id', workspace_id)}/executors")
