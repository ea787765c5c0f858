"""The argument of handlers: one call of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from agentserver_reference.contract import Operation
    from agentserver_reference.security.principal import Principal
    from agentserver_reference.services.unit_of_work import UnitOfWork
    from agentserver_reference.storage.agents import Agent


@attrs.define(eq=False)  # twice as fast to make as a frozen one
class Call:
    """One call of an operation, which is authorised and valid.

    `body` holds the documented fields only and is valid; `path`, `query` and `headers` hold
    the documented parameters, decoded, each of its type.
    """

    operation: Operation
    work: UnitOfWork
    """The database access for services; every change is authorised for this call."""
    request_id: str
    host: str = ""
    """The `Host` of the request, which may have a port."""
    path: Mapping[str, str] = attrs.field(factory=dict)
    query: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    body: dict[str, Any] | None = attrs.field(default=None, repr=False)
    principal: Principal | None = None
    """The caller; None for a call without a valid credential, if the operation permits that."""
    credentials: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """The secrets in the request, valid or not, by the names of their security schemes."""

    @property
    def user_id(self) -> str:
        """The id of the caller's account; for operations that require one."""
        if self.principal is None or self.principal.user_id is None:
            raise RuntimeError(f"{self.operation.id} requires no account: there may be none")
        return self.principal.user_id

    @property
    def person_id(self) -> str | None:
        """The account of the person who calls; None for a program that acts for a workspace."""
        is_program = self.principal is None or self.principal.scopes is not None
        return None if is_program else self.user_id

    @property
    def workspace_of_credential(self) -> str:
        """The workspace that the credential was given for; for operations that require one."""
        if self.principal is None or self.principal.workspace_id is None:
            raise RuntimeError(f"{self.operation.id} requires no such credential")
        return self.principal.workspace_id

    @property
    def agent(self) -> Agent:
        """The agent that calls; for operations that require the role `agent`."""
        if self.principal is None or self.principal.agent is None:
            raise RuntimeError(f"{self.operation.id} requires no agent: there may be none")
        return self.principal.agent

    @property
    def json(self) -> dict[str, Any]:
        """The request body; for operations that require one."""
        if self.body is None:
            raise RuntimeError(f"{self.operation.id} requires no body, so there may be none")
        return self.body
