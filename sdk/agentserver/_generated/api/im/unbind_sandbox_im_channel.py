"""The operation `unbind_sandbox_im_channel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import IMSandboxUnbindResponse


OPERATION: Final[Operation[IMSandboxUnbindResponse]] = Operation(
    id="unbind_sandbox_im_channel",
    method="DELETE",
    path="/api/sandboxes/{sandbox_id}/im/bind",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.IMSandboxUnbindResponse)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "No sandbox has this id.",
    },
)


def call(sandbox_id: str) -> Call[IMSandboxUnbindResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/sandboxes/{_segment('sandbox_id', sandbox_id)}/im/bind")
