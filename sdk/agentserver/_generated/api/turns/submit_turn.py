"""The operation `submit_turn`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentserver._encode import body as _body
from agentserver._encode import headers as _headers
from agentserver._encode import idempotency_key as _idempotency_key
from agentserver._encode import seconds as _seconds
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentserver._generated.models import CodexTurnResponse
    from agentserver._omit import Omit


OPERATION: Final[Operation[CodexTurnResponse]] = Operation(
    id="submit_turn",
    method="POST",
    path="/api/turns",
    security=("apiKey", "sessionCookie"),
    security_optional=False,
    success={200: one(lambda: models.CodexTurnResponse)},
    errors={
        400: "The body or the `Idempotency-Key` is invalid, or the workspace has no such thread. The message names the field and the\nrule.",
        401: "There is no session or API key, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this, or the API key is of another workspace or lacks the scope\n`turns:submit`.",
        409: "Another turn of the thread is under way, or the `Idempotency-Key` was used with another body.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
    has_key=True,
)


def call(
    *,
    workspace_id: str,
    params: Mapping[str, Any],
    idempotency_key: str | Omit = OMIT,
    thread_id: str | Omit | None = OMIT,
    timeout_ms: int | Omit = OMIT,
) -> Call[CodexTurnResponse]:
    """Make a call of the operation ready to send."""
    idempotency_key = _idempotency_key(idempotency_key)
    return Call(
        OPERATION,
        "/api/turns",
        headers=_headers({"Idempotency-Key": idempotency_key}),
        body=_body(
            {
                "workspaceId": workspace_id,
                "threadId": thread_id,
                "params": params,
                "timeoutMs": timeout_ms,
            },
            required=True,
        ),
        time_limit=_seconds(timeout_ms, 3600000, 60000),
    )
