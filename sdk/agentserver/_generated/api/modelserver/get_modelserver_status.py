"""The operation `get_modelserver_status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import ModelServerStatusResponse


OPERATION: Final[Operation[ModelServerStatusResponse]] = Operation(
    id="get_modelserver_status",
    method="GET",
    path="/api/workspaces/{workspace_id}/modelserver/status",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.ModelServerStatusResponse)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
    },
)


def call(workspace_id: str) -> Call[ModelServerStatusResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION, f"/api/workspaces/{_segment('workspace_id', workspace_id)}/modelserver/status"
    )
