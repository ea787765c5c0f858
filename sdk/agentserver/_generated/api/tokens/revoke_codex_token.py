"""The operation `revoke_codex_token`."""

from __future__ import annotations

from typing import Final

from agentserver._encode import segment as _segment
from agentserver._operation import Call, Operation

OPERATION: Final[Operation[None]] = Operation(
    id="revoke_codex_token",
    method="DELETE",
    path="/api/codex/tokens/{token_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The token belongs to another member, and the caller is neither a maintainer nor an owner of its workspace.",
    },
)


def call(token_id: str) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/codex/tokens/{_segment('token_id', token_id)}")
