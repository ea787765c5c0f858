"""The operation `admin_list_workspaces`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._generated import models
from agentserver._model import page
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import AdminWorkspaceItem
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[AdminWorkspaceItem]]] = Operation(
    id="admin_list_workspaces",
    method="GET",
    path="/api/admin/workspaces",
    security=("sessionCookie",),
    security_optional=False,
    success={200: page(Object(lambda: models.AdminWorkspaceItem))},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "Only an administrator may do this.",
    },
)


def call() -> Call[Page[AdminWorkspaceItem]]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/admin/workspaces")
