"""The operation `list_codex_tokens`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import query as _query
from agentserver._generated import models
from agentserver._model import page
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation
from agentserver._schema import Object

if TYPE_CHECKING:
    from agentserver._generated.models import CodexTokenListItem
    from agentserver._omit import Omit
    from agentserver.pagination import Page


OPERATION: Final[Operation[Page[CodexTokenListItem]]] = Operation(
    id="list_codex_tokens",
    method="GET",
    path="/api/codex/tokens",
    security=("sessionCookie",),
    security_optional=False,
    success={200: page(Object(lambda: models.CodexTokenListItem))},
    errors={
        400: "A query parameter is invalid; the line names it.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
    },
)


def call(
    *, workspace_id: str, include_revoked: bool | Omit = OMIT
) -> Call[Page[CodexTokenListItem]]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        "/api/codex/tokens",
        query=_query({"workspace_id": workspace_id, "include_revoked": include_revoked}),
    )
