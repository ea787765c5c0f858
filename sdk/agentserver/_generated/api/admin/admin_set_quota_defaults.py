"""The operation `admin_set_quota_defaults`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AdminQuotaDefaultsResponse
    from agentserver._omit import Omit


OPERATION: Final[Operation[AdminQuotaDefaultsResponse]] = Operation(
    id="admin_set_quota_defaults",
    method="PUT",
    path="/api/admin/quotas/defaults",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.AdminQuotaDefaultsResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "Only an administrator may do this.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    *,
    max_workspaces_per_user: int | Omit = OMIT,
    max_sandboxes_per_workspace: int | Omit = OMIT,
    max_workspace_drive_size: int | Omit = OMIT,
    max_sandbox_cpu: int | Omit = OMIT,
    max_sandbox_memory: int | Omit = OMIT,
    max_idle_timeout: int | Omit = OMIT,
    ws_max_total_cpu: int | Omit = OMIT,
    ws_max_total_memory: int | Omit = OMIT,
    ws_max_idle_timeout: int | Omit = OMIT,
) -> Call[AdminQuotaDefaultsResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        "/api/admin/quotas/defaults",
        body=_body(
            {
                "max_workspaces_per_user": max_workspaces_per_user,
                "max_sandboxes_per_workspace": max_sandboxes_per_workspace,
                "max_workspace_drive_size": max_workspace_drive_size,
                "max_sandbox_cpu": max_sandbox_cpu,
                "max_sandbox_memory": max_sandbox_memory,
                "max_idle_timeout": max_idle_timeout,
                "ws_max_total_cpu": ws_max_total_cpu,
                "ws_max_total_memory": ws_max_total_memory,
                "ws_max_idle_timeout": ws_max_idle_timeout,
            },
            required=True,
        ),
    )
