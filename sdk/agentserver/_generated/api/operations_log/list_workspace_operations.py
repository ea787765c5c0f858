"""The operation `list_workspace_operations`."""

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
    from datetime import datetime

    from agentserver._generated.models import OperationRecord, WorkspaceOperationsResponse
    from agentserver._omit import Omit


OPERATION: Final[Operation[WorkspaceOperationsResponse]] = Operation(
    id="list_workspace_operations",
    method="GET",
    path="/api/workspaces/{workspace_id}/operations",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.WorkspaceOperationsResponse)},
    errors={
        400: "A query parameter is invalid; the line names it.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
    },
)


def call(
    workspace_id: str,
    *,
    env_id: str | Omit = OMIT,
    tool: str | Omit = OMIT,
    source: str | Omit = OMIT,
    is_error: bool | Omit = OMIT,
    since: datetime | Omit = OMIT,
    before: str | Omit = OMIT,
    limit: int | Omit = OMIT,
) -> Call[WorkspaceOperationsResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/operations",
        query=_query(
            {
                "env_id": env_id,
                "tool": tool,
                "source": source,
                "is_error": is_error,
                "since": since,
                "before": before,
                "limit": limit,
            }
        ),
    )


PAGING: Final[Paging[WorkspaceOperationsResponse, OperationRecord]] = Paging(
    rows=lambda answer: answer.operations, total=None, key=lambda row: row.id, size=100, most=1000
)
