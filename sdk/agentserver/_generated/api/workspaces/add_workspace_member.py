"""The operation `add_workspace_member`."""

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

    from agentserver._generated.models import WorkspaceMember, WorkspaceRole
    from agentserver._omit import Omit


OPERATION: Final[Operation[WorkspaceMember]] = Operation(
    id="add_workspace_member",
    method="POST",
    path="/api/workspaces/{workspace_id}/members",
    security=("sessionCookie",),
    security_optional=False,
    success={201: one(lambda: models.WorkspaceMember)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "No account has this e-mail address.",
        409: "The account is already a member.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    workspace_id: str,
    *,
    email: str,
    role: Literal["owner", "maintainer", "developer", "guest"] | WorkspaceRole | Omit = OMIT,
) -> Call[WorkspaceMember]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/members",
        body=_body({"email": email, "role": role}, required=True),
    )
