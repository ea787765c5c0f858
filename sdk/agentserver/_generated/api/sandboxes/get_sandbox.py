"""The operation `get_sandbox`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation
from agentserver.waiting import Waiting

if TYPE_CHECKING:
    from agentserver._generated.models import Sandbox


OPERATION: Final[Operation[Sandbox]] = Operation(
    id="get_sandbox",
    method="GET",
    path="/api/sandboxes/{sandbox_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.Sandbox)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "No sandbox has this id.",
    },
)


def call(sandbox_id: str) -> Call[Sandbox]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/sandboxes/{_segment('sandbox_id', sandbox_id)}")


WAITING: Final[Waiting[Sandbox]] = Waiting(
    read=call,
    field="status",
    until="running",
    dead_ends={"running": frozenset(["paused", "offline"]), "paused": frozenset(["offline"])},
)
