"""The operation `logout`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AuthStatusResponse


OPERATION: Final[Operation[AuthStatusResponse]] = Operation(
    id="logout",
    method="POST",
    path="/api/auth/logout",
    security=("sessionCookie",),
    security_optional=True,
    success={200: one(lambda: models.AuthStatusResponse)},
    errors={},
)


def call() -> Call[AuthStatusResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/auth/logout")
