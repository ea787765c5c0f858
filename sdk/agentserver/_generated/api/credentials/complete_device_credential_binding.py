"""The operation `complete_device_credential_binding`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import (
        CredentialBindingCreateResponse,
        CredentialBindingPending,
    )


OPERATION: Final[Operation[CredentialBindingCreateResponse | CredentialBindingPending]] = Operation(
    id="complete_device_credential_binding",
    method="POST",
    path="/api/workspaces/{workspace_id}/credentials/{kind}/{binding_id}/device-complete",
    security=("sessionCookie",),
    security_optional=False,
    success={
        201: one(lambda: models.CredentialBindingCreateResponse),
        202: one(lambda: models.CredentialBindingPending),
    },
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        404: "The workspace has no such login of this kind, or it expired long ago.",
        409: "The provider or the person has refused the login, or the name was given to another credential meanwhile.",
        410: "The login was not approved in time.",
        502: "The OpenID provider cannot be reached, refuses the client, or gives an answer that was not understood.",
    },
)


def call(
    workspace_id: str, kind: str, binding_id: str
) -> Call[CredentialBindingCreateResponse | CredentialBindingPending]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}"
        f"/credentials/{_segment('kind', kind)}"
        f"/{_segment('binding_id', binding_id)}"
        f"/device-complete",
        time_limit=90.0,
    )
