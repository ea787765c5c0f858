"""The operation `rename_workspace`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import Workspace


OPERATION: Final[Operation[Workspace]] = Operation(
    id="rename_workspace",
    method="PATCH",
    path="/api/workspaces/{workspace_id}",
    security=("sessionCookie",),
    security_optional=False,
    success=200,
    decode=one(lambda: models.Workspace),
    errors={
        400: "The body breaks its schema; the line names the field and the rule.",
        401: "There is no session, or it has ended.",
        403: "The caller's role in the workspace does not allow this.",
        413: "The body is over 1 MiB.",
        415: "The body is said to be something other than `application/json`.",
    },
)


def call(workspace_id: str, *, name: str) -> Call[Workspace]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}",
        body=_body({"name": name}, required=True),
    )
