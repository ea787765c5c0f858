"""The operation `admin_get_user_quota`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from agentserver._generated.models import AdminUserQuotaResponse


OPERATION: Final[Operation[AdminUserQuotaResponse]] = Operation(
    id="admin_get_user_quota",
    method="GET",
    path="/api/admin/users/{user_id}/quota",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.AdminUserQuotaResponse)},
    errors={
        401: "There is no session, or it is no longer valid.",
        403: "Only an administrator may do this.",
        404: "No account has this id.",
    },
)


def call(user_id: str) -> Call[AdminUserQuotaResponse]:
    """Make a call of the operation ready to send."""
    return Call(OPERATION, f"/api/admin/users/{_segment('user_id', user_id)}/quota")
