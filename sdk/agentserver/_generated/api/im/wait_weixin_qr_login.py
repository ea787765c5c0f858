"""The operation `wait_weixin_qr_login`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import IMWeixinQRWaitResponse


OPERATION: Final[Operation[IMWeixinQRWaitResponse]] = Operation(
    id="wait_weixin_qr_login",
    method="POST",
    path="/api/workspaces/{workspace_id}/im/weixin/qr-wait",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.IMWeixinQRWaitResponse)},
    errors={
        400: "The workspace has no login that is younger than ten minutes.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        409: "Another request has completed or replaced the login meanwhile.",
        502: "The service is unreachable, or has sent an invalid response. What it says is never passed on.",
        503: "The services for messages are disabled on this server.",
    },
)


def call(workspace_id: str) -> Call[IMWeixinQRWaitResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/im/weixin/qr-wait",
        time_limit=60.0,
    )
