"""What a handler is given: one call, authorised and validated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from agentserver_reference.contract import Operation
    from agentserver_reference.security.principal import Principal
    from agentserver_reference.services.unit_of_work import UnitOfWork


@attrs.frozen
class Call:
    """One call of an operation, after security and validation.

    `body` holds the documented fields only and is valid; `path`, `query` and `headers` hold
    the documented parameters, decoded, each of its type.
    """

    operation: Operation
    work: UnitOfWork
    """Where services read and write, with the caller's right to this operation."""
    request_id: str
    path: Mapping[str, str] = attrs.field(factory=dict)
    query: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    body: dict[str, Any] | None = attrs.field(default=None, repr=False)
    principal: Principal | None = None
    """Who calls; None where the operation takes calls without a credential."""
    credentials: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """The secrets that the call carries, good or not, by the contract's names of their schemes."""

    @property
    def user_id(self) -> str:
        """The id of the user who calls; for operations that need a credential."""
        if self.principal is None:
            raise RuntimeError(f"{self.operation.id} needs no credential, so it has no user")
        return self.principal.user_id

    @property
    def json(self) -> dict[str, Any]:
        """The request body; for operations that require one."""
        if self.body is None:
            raise RuntimeError(f"{self.operation.id} requires no body, so it may have none")
        return self.body
