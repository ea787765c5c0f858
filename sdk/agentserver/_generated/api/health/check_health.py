"""The operation `check_health`."""

from __future__ import annotations

from typing import Final

from agentserver._operation import Call, Operation

OPERATION: Final[Operation[None]] = Operation(
    id="check_health",
    method="GET",
    path="/healthz",
    security=(),
    security_optional=False,
    success={200: None},
    errors={},
)


def call() -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/healthz")
