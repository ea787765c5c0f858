"""The operation `mint_codex_token`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import CodexTokenMintResponse
    from agentserver._omit import Omit


OPERATION: Final[Operation[CodexTokenMintResponse]] = Operation(
    id="mint_codex_token",
    method="POST",
    path="/api/codex/tokens",
    security=("sessionCookie",),
    security_optional=False,
    success={201: one(lambda: models.CodexTokenMintResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        409: "The workspace has as many codex tokens as it may have.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
        422: "A number in the body is out of its range, and nothing else is wrong with the body.",
    },
)


def call(
    *, workspace_id: str, name: str, ttl_days: int | Omit = OMIT
) -> Call[CodexTokenMintResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        "/api/codex/tokens",
        body=_body(
            {"workspace_id": workspace_id, "name": name, "ttl_days": ttl_days}, required=True
        ),
    )
