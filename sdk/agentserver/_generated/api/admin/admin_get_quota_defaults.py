"""The operation `admin_get_quota_defaults`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AdminQuotaDefaultsResponse


OPERATION: Final[Operation[AdminQuotaDefaultsResponse]] = Operation(
    id="admin_get_quota_defaults",
    method="GET",
    path="/api/admin/quotas/defaults",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.AdminQuotaDefaultsResponse)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "Only an administrator may do this.",
    },
)


def call() -> Call[AdminQuotaDefaultsResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, "/api/admin/quotas/defaults")
