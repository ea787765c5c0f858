"""The operation `create_sandbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from agentserver._generated.models import Sandbox, SandboxType
    from agentserver._omit import Omit


OPERATION: Final[Operation[Sandbox]] = Operation(
    id="create_sandbox",
    method="POST",
    path="/api/workspaces/{workspace_id}/sandboxes",
    security=("sessionCookie",),
    security_optional=False,
    success={201: one(lambda: models.Sandbox)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The workspace's quota or budget is exhausted (JSON), or the caller may not do this (text).",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    workspace_id: str,
    *,
    name: str,
    type: Literal["opencode", "openclaw", "nanoclaw", "claudecode", "jupyter"]
    | SandboxType
    | Omit = OMIT,
    cpu: int | Omit | None = OMIT,
    memory: int | Omit | None = OMIT,
    idle_timeout: int | Omit | None = OMIT,
    metadata: Mapping[str, Any] | Omit | None = OMIT,
) -> Call[Sandbox]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/sandboxes",
        body=_body(
            {
                "name": name,
                "type": type,
                "cpu": cpu,
                "memory": memory,
                "idle_timeout": idle_timeout,
                "metadata": metadata,
            },
            required=True,
        ),
    )
