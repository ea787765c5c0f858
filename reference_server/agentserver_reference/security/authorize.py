"""May they: one rule for every operation, driven by `security` and `x-required-role`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from agentserver_reference.domain.errors import Forbidden, Unauthenticated
from agentserver_reference.domain.roles import ADMIN, AGENT, WORKSPACE_ROLES
from agentserver_reference.security.credentials import Credential
from agentserver_reference.security.principal import Principal
from agentserver_reference.storage.locks import Lock

if TYPE_CHECKING:
    from agentserver_reference.contract import Operation
    from agentserver_reference.storage.engine.connection import Connection


@attrs.frozen
class Access:
    """The right that one call claims: to an operation, at a path, by the credentials it carries."""

    operation: Operation
    path: Mapping[str, str]
    credentials: tuple[Credential, ...]
    clock: Callable[[], datetime] = attrs.field(repr=False)

    @property
    def workspace_id(self) -> str | None:
        """The workspace in which a role is required, if one is."""
        return self.path["workspace_id"] if self.operation.role in WORKSPACE_ROLES else None

    @property
    def lock(self) -> Lock:
        """What the right hangs on: the workspace with its members, or who is administrator.

        A session is not locked: a call that was authorised before a logout may finish after it.
        """
        return Lock(installation=self.operation.role == ADMIN, workspace=self.workspace_id)

    def check(self, conn: Connection) -> Principal | None:
        """See `authorize`."""
        return authorize(conn, self)


def authorize(conn: Connection, access: Access) -> Principal | None:
    """Who calls an operation and may; None where it takes calls without a credential.

    Raises:
        Unauthenticated: the operation requires a credential and none is valid.
        Forbidden: no member of the workspace in the path, or the role is too low.
    """
    principal = find_principal(conn, access)
    if principal is None:
        check_may_be_anonymous(access.operation)
    else:
        check_role(access.operation, principal)
        check_scope(access.operation, principal)
    return principal


def find_principal(conn: Connection, access: Access) -> Principal | None:
    """Whom the first credential stands for that is valid, in the contract's order of schemes."""
    for credential in access.credentials:
        found = credential.kind.resolve(
            conn, credential.secret, access.workspace_id, access.clock()
        )
        if found is not None:
            return found
    return None


def check_may_be_anonymous(operation: Operation) -> None:
    """Whether an operation takes calls without a credential. Raises Unauthenticated."""
    if not operation.anonymous:
        raise Unauthenticated("unauthorized")


def check_role(operation: Operation, principal: Principal) -> None:
    """Whether a caller's role is as high as the operation requires. Raises Forbidden."""
    if operation.role in (ADMIN, AGENT) and principal.role != operation.role:
        raise Forbidden("forbidden")
    if operation.role in WORKSPACE_ROLES:
        if principal.workspace_role is None:
            raise Forbidden("not a workspace member")
        if not is_at_least(principal.workspace_role, operation.role):
            raise Forbidden("insufficient permissions")


def check_scope(operation: Operation, principal: Principal) -> None:
    """Whether a credential that has scopes has the one that is required. Raises Forbidden."""
    if principal.scopes is not None and operation.scope not in (None, *principal.scopes):
        raise Forbidden(f"the credential lacks the scope {operation.scope}")


def is_at_least(held: str, required: str) -> bool:
    """Whether a role in a workspace holds the rights of another."""
    return WORKSPACE_ROLES.index(held) >= WORKSPACE_ROLES.index(required)
