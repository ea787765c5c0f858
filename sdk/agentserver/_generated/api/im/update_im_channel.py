"""The operation `update_im_channel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from typing import Literal

    from agentserver._generated.models import IMChannelPatchResponse, IMRoutingMode
    from agentserver._omit import Omit


OPERATION: Final[Operation[IMChannelPatchResponse]] = Operation(
    id="update_im_channel",
    method="PATCH",
    path="/api/workspaces/{workspace_id}/im/channels/{channel_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.IMChannelPatchResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "The workspace has no such channel.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    workspace_id: str,
    channel_id: str,
    *,
    require_mention: bool | Omit | None = OMIT,
    routing_mode: Literal["nanoclaw", "codex"] | IMRoutingMode | Omit | None = OMIT,
) -> Call[IMChannelPatchResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}"
        f"/im/channels/{_segment('channel_id', channel_id)}",
        body=_body(
            {"require_mention": require_mention, "routing_mode": routing_mode}, required=True
        ),
    )
