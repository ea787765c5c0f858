"""The operation `delete_sandbox`."""

from __future__ import annotations

from typing import Final

from agentserver._encode import segment as _segment
from agentserver._operation import Call, Operation

OPERATION: Final[Operation[None]] = Operation(
    id="delete_sandbox",
    method="DELETE",
    path="/api/sandboxes/{sandbox_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "No sandbox has this id.",
    },
)


def call(sandbox_id: str) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/sandboxes/{_segment('sandbox_id', sandbox_id)}")
