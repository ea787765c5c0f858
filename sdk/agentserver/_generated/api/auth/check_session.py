"""The operation `check_session`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AuthStatusResponse


OPERATION: Final[Operation[AuthStatusResponse]] = Operation(
    id="check_session",
    method="GET",
    path="/api/auth/check",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.AuthStatusResponse)},
    errors={401: "There is no session, or it is no longer valid."},
)


def call() -> Call[AuthStatusResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/auth/check")
