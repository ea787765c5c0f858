"""The operation `list_workspace_api_key_scopes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import page
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import APIKeyScopeDescriptor
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[APIKeyScopeDescriptor]]] = Operation(
    id="list_workspace_api_key_scopes",
    method="GET",
    path="/api/workspaces/{workspace_id}/api-keys/scopes",
    security=("sessionCookie",),
    security_optional=False,
    success={200: page(Object(lambda: models.APIKeyScopeDescriptor))},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
    },
)


def call(workspace_id: str) -> Call[Page[APIKeyScopeDescriptor]]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION, f"/api/workspaces/{_segment('workspace_id', workspace_id)}/api-keys/scopes"
    )
