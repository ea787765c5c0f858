"""The operation `get_workspace_creation_quota`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import WorkspaceQuotaResponse


OPERATION: Final[Operation[WorkspaceQuotaResponse]] = Operation(
    id="get_workspace_creation_quota",
    method="GET",
    path="/api/workspaces/quota",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.WorkspaceQuotaResponse)},
    errors={401: "There is no session, or it is no longer valid."},
)


def call() -> Call[WorkspaceQuotaResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/workspaces/quota")
