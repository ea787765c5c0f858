"""The operation `list_workspaces`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._generated import models
from agentserver._model import page
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import Workspace
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[Workspace]]] = Operation(
    id="list_workspaces",
    method="GET",
    path="/api/workspaces",
    security=("sessionCookie",),
    security_optional=False,
    success={200: page(Object(lambda: models.Workspace))},
    errors={401: "There is no session, or it is no longer valid."},
)


def call() -> Call[Page[Workspace]]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/workspaces")
