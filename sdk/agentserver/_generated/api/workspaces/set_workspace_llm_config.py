"""The operation `set_workspace_llm_config`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentserver._encode import body as _body
from agentserver._encode import segment as _segment
from agentserver._generated import models
from agentserver._model import one
from agentserver._omit import OMIT
from agentserver._operation import Call, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentserver._generated.models import LLMConfigUpsertResponse, LLMModel, LLMModelDict
    from agentserver._omit import Omit
    from agentserver._secret import Secret


OPERATION: Final[Operation[LLMConfigUpsertResponse]] = Operation(
    id="set_workspace_llm_config",
    method="PUT",
    path="/api/workspaces/{workspace_id}/llm-config",
    security=("sessionCookie",),
    security_optional=False,
    success={200: one(lambda: models.LLMConfigUpsertResponse)},
    errors={
        400: "The body violates its schema. The message names the field and the rule.",
        401: "There is no session, or it is no longer valid.",
        403: "The caller's role in the workspace does not allow this.",
        413: "The body is larger than 1 MiB.",
        415: "The `Content-Type` is not `application/json`.",
    },
)


def call(
    workspace_id: str,
    *,
    base_url: str,
    models: Sequence[LLMModel | LLMModelDict],
    api_key: str | Secret | Omit = OMIT,
) -> Call[LLMConfigUpsertResponse]:
    """Make a call of the operation ready to send."""
    return Call(
        OPERATION,
        f"/api/workspaces/{_segment('workspace_id', workspace_id)}/llm-config",
        body=_body({"base_url": base_url, "api_key": api_key, "models": models}, required=True),
    )
