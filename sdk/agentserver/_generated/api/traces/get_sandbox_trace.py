"""The operation `get_sandbox_trace`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import TraceDetailResponse


OPERATION: Final[Operation[TraceDetailResponse]] = Operation(
    id="get_sandbox_trace",
    method="GET",
    path="/api/sandboxes/{sandbox_id}/traces/{trace_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.TraceDetailResponse)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "No sandbox has this id, or the sandbox has no trace with this id.",
        502: "The language-model proxy is unreachable or sent an invalid response.",
        503: "The language-model proxy is disabled on this server.",
    },
)


def call(sandbox_id: str, trace_id: str) -> Call[TraceDetailResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/sandboxes/{_segment('sandbox_id', sandbox_id)}"
        f"/traces/{_segment('trace_id', trace_id)}",
    )
