"""The operation `create_workspace`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import Workspace


OPERATION: Final[Operation[Workspace]] = Operation(
    id="create_workspace",
    method="POST",
    path="/api/workspaces",
    security=("sessionCookie",),
    security_optional=False,
    success={201: one(lambda: models.Workspace)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's quota is exhausted (JSON), or the caller may not do this (text).",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(*, name: str) -> Call[Workspace]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/workspaces", body=_body({"name": name}, required=True))
