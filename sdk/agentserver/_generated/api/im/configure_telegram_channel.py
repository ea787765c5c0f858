"""The operation `configure_telegram_channel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import IMTelegramConfigureResponse
    from agentserver._secret import Secret


OPERATION: Final[Operation[IMTelegramConfigureResponse]] = Operation(
    id="configure_telegram_channel",
    method="POST",
    path="/api/workspaces/{workspace_id}/im/telegram/configure",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.IMTelegramConfigureResponse)},
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


def call(workspace_id: str, *, bot_token: str | Secret) -> Call[IMTelegramConfigureResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/im/telegram/configure",
        body=_body({"bot_token": bot_token}, required=True),
    )
