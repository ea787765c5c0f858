"""The operation `list_codex_browsers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import page
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import CodexBrowserItem
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[CodexBrowserItem]]] = Operation(
    id="list_codex_browsers",
    method="GET",
    path="/api/workspaces/{workspace_id}/browsers",
    security=("sessionCookie",),
    security_optional=False,
    success={200: page(Object(lambda: models.CodexBrowserItem))},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
    },
)


def call(workspace_id: str) -> Call[Page[CodexBrowserItem]]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/workspaces/{_segment('workspace_id', workspace_id)}/browsers")
