"""The operation `upsert_agent_card`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentserver._encode import body as _body
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AgentCardRegisterResponse
    from agentserver._omit import Omit


OPERATION: Final[Operation[AgentCardRegisterResponse]] = Operation(
    id="upsert_agent_card",
    method="POST",
    path="/api/agent/discovery/cards",
    security=("agentToken",),
    security_optional=False,
    success={200: one(lambda: models.AgentCardRegisterResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no agent's token, or it is not valid, or what it depends on has been deleted.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    *,
    display_name: str | Omit = OMIT,
    description: str | Omit = OMIT,
    agent_type: str | Omit = OMIT,
    card: Any | Omit = OMIT,
) -> Call[AgentCardRegisterResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        "/api/agent/discovery/cards",
        body=_body(
            {
                "display_name": display_name,
                "description": description,
                "agent_type": agent_type,
                "card": card,
            },
            required=True,
        ),
    )
