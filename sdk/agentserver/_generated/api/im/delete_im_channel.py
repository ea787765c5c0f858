"""The operation `delete_im_channel`."""

from __future__ import annotations

from typing import Final

from agentserver._encode import segment as _segment
from agentserver._operation import Call, Operation

OPERATION: Final[Operation[None]] = Operation(
    id="delete_im_channel",
    method="DELETE",
    path="/api/workspaces/{workspace_id}/im/channels/{channel_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "The workspace has no such channel.",
    },
)


def call(workspace_id: str, channel_id: str) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}"
        f"/im/channels/{_segment('channel_id', channel_id)}",
    )
