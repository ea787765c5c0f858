"""The operation `get_current_user`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AuthMeResponse


OPERATION: Final[Operation[AuthMeResponse]] = Operation(
    id="get_current_user",
    method="GET",
    path="/api/auth/me",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.AuthMeResponse)},
    errors={401: "There is no session, or it is no longer valid."},
)


def call() -> Call[AuthMeResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/auth/me")
