"""The operation `admin_set_workspace_llm_quota`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._omit import Omit


OPERATION: Final[Operation[None]] = Operation(
    id="admin_set_workspace_llm_quota",
    method="PUT",
    path="/api/admin/workspaces/{workspace_id}/llm-quota",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "Only an administrator may do this.",
        404: "No workspace has this id.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
        502: "The language-model proxy is unreachable or sent an invalid response.",
        503: "The language-model proxy is disabled on this server.",
    },
)


def call(workspace_id: str, *, max_rpd: int | Omit | None = OMIT) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/admin/workspaces/{_segment('workspace_id', workspace_id)}/llm-quota",
        body=_body({"max_rpd": max_rpd}, required=True),
    )
