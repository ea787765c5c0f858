"""The operation `create_credential_binding`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from typing import TypeGuard

    from agentserver._generated.models import (
        CredentialBindingCreateResponse,
        CredentialBindingPending,
    )
    from agentserver._secret import Secret


OPERATION: Final[Operation[CredentialBindingCreateResponse | CredentialBindingPending]] = Operation(
    id="create_credential_binding",
    method="POST",
    path="/api/workspaces/{workspace_id}/credentials/{kind}",
    security=("sessionCookie",),
    security_optional=False,
    success={
        201: one(lambda: models.CredentialBindingCreateResponse),
        202: one(lambda: models.CredentialBindingPending),
    },
    errors={
        400: "The body violates its schema, or `config` is refused. The message names the field, the place in `config`, and the rule;\nit repeats nothing of `config`.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "There is no such kind of credentials.",
        409: "Another credential of this kind in the workspace has the name.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
        502: "The OpenID provider cannot be reached, refuses the client, or gives an answer that was not understood.",
    },
)


def call(
    workspace_id: str, kind: str, *, display_name: str, config: str | Secret
) -> Call[CredentialBindingCreateResponse | CredentialBindingPending]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}"
        f"/credentials/{_segment('kind', kind)}",
        body=_body({"display_name": display_name, "config": config}, required=True),
    )


def is_pending(answer: object) -> TypeGuard[CredentialBindingPending]:
    """Return whether the operation has only begun something."""
    return isinstance(answer, models.CredentialBindingPending)
