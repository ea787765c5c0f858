"""The operation `update_workspace_member_role`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from typing import Literal

    from agentserver._generated.models import WorkspaceRole


OPERATION: Final[Operation[None]] = Operation(
    id="update_workspace_member_role",
    method="PUT",
    path="/api/workspaces/{workspace_id}/members/{user_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "The account is not a member of the workspace.",
        409: "The change would leave the workspace without an owner.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    workspace_id: str,
    user_id: str,
    *,
    role: Literal["owner", "maintainer", "developer", "guest"] | WorkspaceRole,
) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}"
        f"/members/{_segment('user_id', user_id)}",
        body=_body({"role": role}, required=True),
    )
