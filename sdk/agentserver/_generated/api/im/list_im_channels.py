"""The operation `list_im_channels`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import IMChannelListResponse


OPERATION: Final[Operation[IMChannelListResponse]] = Operation(
    id="list_im_channels",
    method="GET",
    path="/api/workspaces/{workspace_id}/im/channels",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.IMChannelListResponse)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
    },
)


def call(workspace_id: str) -> Call[IMChannelListResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/workspaces/{_segment('workspace_id', workspace_id)}/im/channels")
