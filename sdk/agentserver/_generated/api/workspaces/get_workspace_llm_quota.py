"""The operation `get_workspace_llm_quota`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import LLMQuotaResponse


OPERATION: Final[Operation[LLMQuotaResponse]] = Operation(
    id="get_workspace_llm_quota",
    method="GET",
    path="/api/workspaces/{workspace_id}/llm-quota",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.LLMQuotaResponse)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        502: "The language-model proxy is unreachable or sent an invalid response.",
        503: "The language-model proxy is disabled on this server.",
    },
)


def call(workspace_id: str) -> Call[LLMQuotaResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/workspaces/{_segment('workspace_id', workspace_id)}/llm-quota")
