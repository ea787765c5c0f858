"""The operation `login`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AuthStatusResponse
    from agentserver._secret import Secret


OPERATION: Final[Operation[AuthStatusResponse]] = Operation(
    id="login",
    method="POST",
    path="/api/auth/login",
    security=(),
    security_optional=False,
    success={200: one(lambda: models.AuthStatusResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "No account has this e-mail address and password.",
        405: "Password login is disabled on this server.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(*, email: str, password: str | Secret) -> Call[AuthStatusResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        "/api/auth/login",
        body=_body({"email": email, "password": password}, required=True),
    )
