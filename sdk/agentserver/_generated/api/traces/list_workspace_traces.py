"""The operation `list_workspace_traces`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import query as _query
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation
from agentserver._paging import Paging

if TYPE_CHECKING:
    from agentserver._generated.models import TraceListResponse, TraceRecord
    from agentserver._omit import Omit


OPERATION: Final[Operation[TraceListResponse]] = Operation(
    id="list_workspace_traces",
    method="GET",
    path="/api/workspaces/{workspace_id}/traces",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.TraceListResponse)},
    errors={
        400: "A query parameter is invalid; the line names it.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        502: "The language-model proxy is unreachable or sent an invalid response.",
        503: "The language-model proxy is disabled on this server.",
    },
)


def call(
    workspace_id: str, *, limit: int | Omit = OMIT, offset: int | Omit = OMIT
) -> Call[TraceListResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/traces",
        query=_query({"limit": limit, "offset": offset}),
    )


PAGING: Final[Paging[TraceListResponse, TraceRecord]] = Paging(
    rows=lambda answer: answer.traces,
    total=lambda answer: answer.total,
    key=lambda row: row.id,
    size=100,
    most=999,
)
