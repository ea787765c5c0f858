"""The operation `read_agent_inbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import query as _query
from agentserver._generated import models
from agentserver._model import page
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import AgentMailboxMessage
    from agentserver._omit import Omit
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[AgentMailboxMessage]]] = Operation(
    id="read_agent_inbox",
    method="GET",
    path="/api/agent/mailbox/inbox",
    security=("agentToken",),
    security_optional=False,
    success={200: page(Object(lambda: models.AgentMailboxMessage), max_items=100)},
    errors={
        400: "A query parameter is invalid; the line names it.",
        401: "There is no agent's token, or it is not valid, or what it depends on has been deleted.",
    },
    consumes=True,
)


def call(*, limit: int | Omit = OMIT) -> Call[Page[AgentMailboxMessage]]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/agent/mailbox/inbox", query=_query({"limit": limit}))
