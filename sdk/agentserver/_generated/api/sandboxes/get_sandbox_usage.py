"""The operation `get_sandbox_usage`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import query as _query
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from datetime import datetime

    from agentserver._generated.models import SandboxUsage
    from agentserver._omit import Omit


OPERATION: Final[Operation[SandboxUsage]] = Operation(
    id="get_sandbox_usage",
    method="GET",
    path="/api/sandboxes/{sandbox_id}/usage",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.SandboxUsage)},
    errors={
        400: "A query parameter is invalid; the line names it.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "No sandbox has this id.",
        502: "The language-model proxy is unreachable or sent an invalid response.",
        503: "The language-model proxy is disabled on this server.",
    },
)


def call(sandbox_id: str, *, since: datetime | Omit = OMIT) -> Call[SandboxUsage]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/sandboxes/{_segment('sandbox_id', sandbox_id)}/usage",
        query=_query({"since": since}),
    )
