"""The operation `send_agent_message`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AgentMailboxSendResponse
    from agentserver._omit import Omit


OPERATION: Final[Operation[AgentMailboxSendResponse]] = Operation(
    id="send_agent_message",
    method="POST",
    path="/api/agent/mailbox/send",
    security=("agentToken",),
    security_optional=False,
    success={201: one(lambda: models.AgentMailboxSendResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no agent's token, or it is not valid, or what it depends on has been deleted.",
        403: "The target belongs to another workspace.",
        404: "No sandbox has the id of the target.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(*, to: str, text: str, msg_type: str | Omit = OMIT) -> Call[AgentMailboxSendResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        "/api/agent/mailbox/send",
        body=_body({"to": to, "text": text, "msg_type": msg_type}, required=True),
    )
