"""The operation `admin_delete_user_quota`."""

from __future__ import annotations

from typing import Final

from agentserver._encode import segment as _segment
from agentserver._operation import Call, Operation

OPERATION: Final[Operation[None]] = Operation(
    id="admin_delete_user_quota",
    method="DELETE",
    path="/api/admin/users/{user_id}/quota",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "Only an administrator may do this.",
        404: "No account has this id.",
    },
)


def call(user_id: str) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/admin/users/{_segment('user_id', user_id)}/quota")
