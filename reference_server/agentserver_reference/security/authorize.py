"""Authorisation: `security`, `x-required-role` and `x-required-scope` of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from agentserver_reference.domain.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from agentserver_reference.domain.roles import ADMIN, AGENT, WORKSPACE_ROLES, is_at_least
from agentserver_reference.security.credentials import Credential
from agentserver_reference.security.principal import Principal
from agentserver_reference.storage import agent_tasks, sandboxes
from agentserver_reference.storage.locks import Lock
from agentserver_reference.storage.permissions import Permission

if TYPE_CHECKING:
    from agentserver_reference.contract import Operation
    from agentserver_reference.storage.engine.connection import Connection


_WORKSPACE_OF: Mapping[str, Callable[[Connection, str], str | None]] = {
    "sandbox_id": sandboxes.workspace_of,
    "task_id": agent_tasks.workspace_of,
}
"""By a parameter of the path: what finds the workspace of the thing that it names."""

_NAMING = _WORKSPACE_OF.keys() | {"workspace_id"}


@attrs.define(eq=False)  # twice as fast to make as a frozen one
class Access:
    """Decides whether a call is permitted: its operation, path and credentials."""

    operation: Operation
    path: Mapping[str, str]
    credentials: tuple[Credential, ...]
    clock: Callable[[], datetime] = attrs.field(repr=False)
    principal: Principal | None = attrs.field(default=None, init=False)
    """The caller, as the last check found them."""
    named_workspace: str | None = attrs.field(default=None, init=False)
    """The workspace that the body or the query names, once that is read."""
    _found_workspace: str | None = attrs.field(default=None, init=False, repr=False)

    @property
    def workspace_id(self) -> str | None:
        """The workspace in which the caller needs a role; None if no such role is required.

        That of a sandbox or task in the path is known after the first check, and so is that of a
        credential, where the path names none.
        """
        if self.operation.role not in WORKSPACE_ROLES:
            return None
        if self.operation.workspace_field is not None:
            return self.named_workspace
        if self.is_of_credential:
            return None if self.principal is None else self.principal.workspace_id
        return self.path.get("workspace_id", self._found_workspace)

    @property
    def is_of_credential(self) -> bool:
        """Whether the role is required in the workspace that the credential was given for."""
        named = self.operation.workspace_field is not None or _NAMING & self.path.keys()
        return self.operation.role in WORKSPACE_ROLES and not named

    @property
    def lock(self) -> Lock:
        """The rows that the permission depends on.

        The session is not locked: a call that was authorised before a logout may end after it.
        """
        workspace_id = self.workspace_id
        if self.principal is not None and self.principal.agent is not None:
            workspace_id = self.principal.agent.workspace_id
        return Lock(installation=self.operation.role == ADMIN, workspace=workspace_id)

    def check(self, conn: Connection) -> Principal | None:
        """See `authorize`."""
        self.principal = authorize(conn, self)
        return self.principal

    def check_credentials(self, conn: Connection) -> None:
        """Raise Unauthenticated without a valid credential, where one is required."""
        if find_principal(conn, self) is None:
            check_may_be_anonymous(self.operation)

    @property
    def permission(self) -> Permission | None:
        """What a statement needs to check the role in the workspace that the last check found."""
        if self.workspace_id is None or self.principal is None or len(self.credentials) != 1:
            return None
        (credential,), role = self.credentials, self.principal.workspace_role
        if credential.kind.permission is None or role is None:
            return None
        return credential.kind.permission(credential.secret, role, self.clock())

    def find_workspace(self, conn: Connection) -> None:
        """Find the workspace of what the path names. It never changes, so once is enough."""
        if self._found_workspace is None and self.operation.role in WORKSPACE_ROLES:
            for parameter in _WORKSPACE_OF.keys() & self.path.keys():
                self._found_workspace = _WORKSPACE_OF[parameter](conn, self.path[parameter])

    @property
    def missing(self) -> str | None:
        """What the path names and the last check did not find, such as `sandbox`."""
        if self.operation.role not in WORKSPACE_ROLES or self.workspace_id is not None:
            return None
        if self.operation.workspace_field is not None or self.is_of_credential:
            return None
        return next(name for name in _WORKSPACE_OF if name in self.path).removesuffix("_id")


def authorize(conn: Connection, access: Access) -> Principal | None:
    """Return the caller; None for a call without a valid credential, if that is permitted.

    Raises:
        Unauthenticated: the operation requires a credential, and none is valid.
        NotFound: there is no such sandbox or task, so that no caller has a role there.
        BadRequest: the credential must have been given for a workspace, and was not.
        Forbidden: the caller is not a member of the workspace, or lacks the role or the scope.
    """
    access.find_workspace(conn)
    principal = find_principal(conn, access)
    if principal is None:
        check_may_be_anonymous(access.operation)
    elif access.missing is not None:
        raise NotFound(f"{access.missing} not found")
    else:
        check_scope(access.operation, principal)
        if access.is_of_credential and principal.workspace_id is None:
            raise BadRequest("token missing workspace_id claim")
        check_role(access.operation, principal)
    return principal


def find_principal(conn: Connection, access: Access) -> Principal | None:
    """Return the principal of the first valid credential, in the order of the contract."""
    for credential in access.credentials:
        found = credential.kind.resolve(
            conn, credential.secret, access.workspace_id, access.clock()
        )
        if found is not None:
            return found
    return None


def check_may_be_anonymous(operation: Operation) -> None:
    """Raise Unauthenticated if an operation requires a credential."""
    if not operation.anonymous:
        raise Unauthenticated("unauthorized")


def check_role(operation: Operation, principal: Principal) -> None:
    """Raise Forbidden if the caller lacks the required role."""
    if operation.role in (ADMIN, AGENT) and principal.role != operation.role:
        raise Forbidden("forbidden")
    if operation.role in WORKSPACE_ROLES:
        if principal.workspace_role is None:
            raise Forbidden("not a workspace member")
        if not is_at_least(principal.workspace_role, operation.role):
            raise Forbidden("insufficient permissions")


def check_scope(operation: Operation, principal: Principal) -> None:
    """Raise Forbidden if the credential has scopes, but not the required one."""
    if principal.scopes is not None and operation.scope not in (None, *principal.scopes):
        raise Forbidden(f"the credential lacks the scope {operation.scope}")
