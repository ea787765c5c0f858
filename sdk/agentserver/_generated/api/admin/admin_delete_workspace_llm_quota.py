"""The operation `admin_delete_workspace_llm_quota`."""

from __future__ import annotations

from typing import Final

from agentserver._encode import segment as _segment
from agentserver._operation import Call, Operation

OPERATION: Final[Operation[None]] = Operation(
    id="admin_delete_workspace_llm_quota",
    method="DELETE",
    path="/api/admin/workspaces/{workspace_id}/llm-quota",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "Only an administrator may do this.",
        404: "No workspace has this id.",
        502: "The language-model proxy is unreachable or sent an invalid response.",
        503: "The language-model proxy is disabled on this server.",
    },
)


def call(workspace_id: str) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION, f"/api/admin/workspaces/{_segment('workspace_id', workspace_id)}/llm-quota"
    )
