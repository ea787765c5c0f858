"""The operation `register_agent`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from typing import Literal

    from agentserver._generated.models import AgentRegisterResponse, AgentRegistrationType
    from agentserver._omit import Omit


OPERATION: Final[Operation[AgentRegisterResponse]] = Operation(
    id="register_agent",
    method="POST",
    path="/api/agent/register",
    security=("accessToken",),
    security_optional=False,
    success={201: one(lambda: models.AgentRegisterResponse)},
    errors={
        400: "The body violates its schema, or the access token was approved for no workspace.",
        401: "There is no access token, or it is not valid, or the membership behind it has ended.",
        403: "The access token lacks the scope `agent:register`, or the role in the workspace of the person who approved it is\ntoo low.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
        502: "The OAuth provider, which knows whose the access token is, is unreachable or sent an invalid response.",
        503: "The sign-in of agents is disabled on this server.",
    },
)


def call(
    *,
    name: str | Omit = OMIT,
    type: Literal["opencode", "claudecode", "custom"] | AgentRegistrationType | Omit = OMIT,
) -> Call[AgentRegisterResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION, "/api/agent/register", body=_body({"name": name, "type": type}, required=True)
    )
