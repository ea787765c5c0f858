"""The operation `mint_workspace_api_key`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from agentserver._generated.models import APIKeyScope, WorkspaceAPIKeyMintResponse


OPERATION: Final[Operation[WorkspaceAPIKeyMintResponse]] = Operation(
    id="mint_workspace_api_key",
    method="POST",
    path="/api/workspaces/{workspace_id}/api-keys",
    security=("sessionCookie",),
    security_optional=False,
    success={201: one(lambda: models.WorkspaceAPIKeyMintResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        409: "The workspace has as many API keys as it may have.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    workspace_id: str, *, name: str, scopes: Sequence[Literal["turns:submit"] | APIKeyScope]
) -> Call[WorkspaceAPIKeyMintResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/api-keys",
        body=_body({"name": name, "scopes": scopes}, required=True),
    )
