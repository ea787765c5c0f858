"""The operation `admin_update_user_role`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from typing import Literal

    from agentserver._generated.models import UserRole


OPERATION: Final[Operation[None]] = Operation(
    id="admin_update_user_role",
    method="PUT",
    path="/api/admin/users/{user_id}/role",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "Only an administrator may do this.",
        404: "No account has this id.",
        409: "The change would leave the installation without an administrator.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(user_id: str, *, role: Literal["user", "admin"] | UserRole) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/admin/users/{_segment('user_id', user_id)}/role",
        body=_body({"role": role}, required=True),
    )
