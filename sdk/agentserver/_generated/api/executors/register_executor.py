"""The operation `register_executor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import ExecutorRegisterResponse
    from agentserver._omit import Omit


OPERATION: Final[Operation[ExecutorRegisterResponse]] = Operation(
    id="register_executor",
    method="POST",
    path="/api/workspaces/{workspace_id}/executors",
    security=("sessionCookie",),
    security_optional=False,
    success={201: one(lambda: models.ExecutorRegisterResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        409: "An executor of the workspace has that name.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
        502: "The gateway to which executors are connected is unreachable or sent an invalid response.",
        503: "Executors are disabled on this server.",
    },
)


def call(
    workspace_id: str, *, name: str, description: str | Omit = OMIT
) -> Call[ExecutorRegisterResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/executors",
        body=_body({"name": name, "description": description}, required=True),
    )
