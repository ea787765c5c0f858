"""The secret that the services of an installation share, in the header `X-Internal-Secret`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.domain.tokens import is_same
from agentserver_reference.security.credentials import CredentialKind
from agentserver_reference.security.principal import SERVICE, Principal

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from agentserver_reference.storage.engine.connection import Connection

SCHEME = "internalSecret"
"""Its name in the `securitySchemes`."""

HEADER = "X-Internal-Secret"


def schemes(secret: str) -> Mapping[str, CredentialKind]:
    """Return the kind of credential whose only valid value is this secret."""

    def find(headers: Headers) -> str | None:
        given = headers.getlist(HEADER)
        return given[0] if len(given) == 1 else None

    def resolve(
        _: Connection, given: str, workspace_id: str | None, now: datetime
    ) -> Principal | None:
        return Principal(user_id="", role=SERVICE) if is_same(secret, given) else None

    return {SCHEME: CredentialKind(find=find, resolve=resolve)}
