"""The operation `update_credential_binding`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._omit import Omit


OPERATION: Final[Operation[None]] = Operation(
    id="update_credential_binding",
    method="PATCH",
    path="/api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}",
    security=("sessionCookie",),
    security_optional=False,
    success={204: None},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "The workspace has no such credential of this kind.",
        409: "Another credential of this kind in the workspace has the name.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    workspace_id: str, kind: str, binding_id: str, *, display_name: str | Omit | None = OMIT
) -> Call[None]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}"
        f"/credentials/{_segment('kind', kind)}"
        f"/{_segment('binding_id', binding_id)}",
        body=_body({"display_name": display_name}, required=True),
    )
