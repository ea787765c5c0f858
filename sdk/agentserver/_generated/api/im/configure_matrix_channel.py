"""The operation `configure_matrix_channel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import IMMatrixConfigureResponse
    from agentserver._omit import Omit
    from agentserver._secret import Secret


OPERATION: Final[Operation[IMMatrixConfigureResponse]] = Operation(
    id="configure_matrix_channel",
    method="POST",
    path="/api/workspaces/{workspace_id}/im/matrix/configure",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.IMMatrixConfigureResponse)},
    errors={
        400: "The body violates its schema, or the service does not accept the token. What the service says of it is never passed on.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
        502: "The service is unreachable, or has sent an invalid response. What it says is never passed on.",
        503: "The services for messages are disabled on this server.",
    },
)


def call(
    workspace_id: str,
    *,
    homeserver_url: str,
    access_token: str | Secret,
    recovery_key: str | Secret | Omit = OMIT,
) -> Call[IMMatrixConfigureResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/im/matrix/configure",
        body=_body(
            {
                "homeserver_url": homeserver_url,
                "access_token": access_token,
                "recovery_key": recovery_key,
            },
            required=True,
        ),
    )
