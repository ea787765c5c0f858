"""The operation `register_user`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AuthRegisterResponse
    from agentserver._secret import Secret


OPERATION: Final[Operation[AuthRegisterResponse]] = Operation(
    id="register_user",
    method="POST",
    path="/api/auth/register",
    security=(),
    security_optional=False,
    success={201: one(lambda: models.AuthRegisterResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        405: "Password login is disabled on this server.",
        409: "An account with this e-mail address already exists.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(*, email: str, password: str | Secret) -> Call[AuthRegisterResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        "/api/auth/register",
        body=_body({"email": email, "password": password}, required=True),
    )
