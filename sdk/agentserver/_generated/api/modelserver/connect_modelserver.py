"""The operation `connect_modelserver`."""

from __future__ import annotations

from typing import Final

from agentserver._encode import segment as _segment
from agentserver._operation import REDIRECT, Call, Operation

OPERATION: Final[Operation[str]] = Operation(
    id="connect_modelserver",
    method="GET",
    path="/api/workspaces/{workspace_id}/modelserver/connect",
    security=("sessionCookie",),
    security_optional=False,
    success={302: REDIRECT},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        501: "The server has no model server to connect to.",
    },
    consumes=True,
)


def call(workspace_id: str) -> Call[str]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION, f"/api/workspaces/{_segment('workspace_id', workspace_id)}/modelserver/connect"
    )
