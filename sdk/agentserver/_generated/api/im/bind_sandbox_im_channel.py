"""The operation `bind_sandbox_im_channel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import IMSandboxBindResponse


OPERATION: Final[Operation[IMSandboxBindResponse]] = Operation(
    id="bind_sandbox_im_channel",
    method="POST",
    path="/api/sandboxes/{sandbox_id}/im/bind",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.IMSandboxBindResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "There is no such sandbox, or its workspace has no such channel.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(sandbox_id: str, *, channel_id: str) -> Call[IMSandboxBindResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/sandboxes/{_segment('sandbox_id', sandbox_id)}/im/bind",
        body=_body({"channel_id": channel_id}, required=True),
    )
