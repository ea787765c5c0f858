"""The operation `unbind_executor`."""

from __future__ import annotations

from typing import Final

from agentserver._encode import segment as _segment
from agentserver._operation import Call, Operation

OPERATION: Final[Operation[None]] = Operation(
    id="unbind_executor",
    method="DELETE",
    path="/api/workspaces/{workspace_id}/executors/{exe_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        502: "The gateway to which executors are connected is unreachable or sent an invalid response.",
        503: "Executors are disabled on this server.",
    },
)


def call(workspace_id: str, exe_id: str) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}"
        f"/executors/{_segment('exe_id', exe_id)}",
    )
