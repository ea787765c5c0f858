"""The operation `admin_list_users`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._generated import models
from agentserver._model import page
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import AdminUserItem
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[AdminUserItem]]] = Operation(
    id="admin_list_users",
    method="GET",
    path="/api/admin/users",
    security=("sessionCookie",),
    security_optional=False,
    success={200: page(Object(lambda: models.AdminUserItem))},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "Only an administrator may do this.",
    },
)


def call() -> Call[Page[AdminUserItem]]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/admin/users")
