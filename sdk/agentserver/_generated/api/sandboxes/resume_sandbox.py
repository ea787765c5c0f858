"""The operation `resume_sandbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import SandboxLifecycleStatusResponse


OPERATION: Final[Operation[SandboxLifecycleStatusResponse]] = Operation(
    id="resume_sandbox",
    method="POST",
    path="/api/sandboxes/{sandbox_id}/resume",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.SandboxLifecycleStatusResponse)},
    errors={
        400: "The sandbox runs on a person's own machine, where it cannot be paused or resumed from the server.",
        401: "There is no session, or it is no longer valid.",
        403: "The workspace's budget is exhausted (JSON), or the caller may not do this (text).",
        404: "No sandbox has this id.",
        409: "The sandbox's state does not allow it.",
    },
)


def call(sandbox_id: str) -> Call[SandboxLifecycleStatusResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/sandboxes/{_segment('sandbox_id', sandbox_id)}/resume")
