"""What a handler is given and gives back: one call, its services, its reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import attrs

from agentserver_reference.security import Caller, authorize

if TYPE_CHECKING:
    from agentserver_reference.contract import Operation
    from agentserver_reference.domain.cipher import Cipher
    from agentserver_reference.domain.passwords import Passwords
    from agentserver_reference.gateways.llm_proxy import LlmProxy
    from agentserver_reference.settings import Settings
    from agentserver_reference.storage import Store
    from agentserver_reference.storage.engine.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")


@attrs.frozen
class Services:
    """Everything outside a call that a handler may use. Time, ids and tokens come from here."""

    settings: Settings
    store: Store
    clock: Callable[[], datetime]
    """Now, with the time zone UTC."""
    ids: Callable[[], str]
    """A new id, UUIDv4 in lower case."""
    tokens: Callable[[], str]
    """A new session token, 64 lower-case hexadecimal digits of 32 random bytes."""
    passwords: Passwords
    cipher: Cipher
    llm_proxy: LlmProxy


@attrs.frozen
class Call:
    """One call of an operation, after security and validation.

    `body` holds the documented fields only and is valid; `path` and `query` are decoded.
    """

    operation: Operation
    services: Services
    request_id: str
    path: Mapping[str, str] = attrs.field(factory=dict)
    query: Mapping[str, Any] = attrs.field(factory=dict)
    body: dict[str, Any] | None = attrs.field(default=None, repr=False)
    caller: Caller | None = None
    session_token: str | None = attrs.field(default=None, repr=False)

    async def read(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `query(connection, ...)` outside a transaction."""
        return await self.services.store.read(query, *args, **kwargs)

    async def write(
        self, change: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `change(connection, ...)` in one transaction.

        The caller's right to the operation is checked again in that transaction: a session or
        a role that ended since the call came in changes nothing any more.
        """

        def authorized(connection: Connection) -> T:
            if self.caller is not None:
                authorize(
                    connection,
                    self.operation,
                    self.path,
                    self.session_token,
                    self.services.clock(),
                )
            return change(connection, *args, **kwargs)

        return await self.services.store.write(authorized)

    @property
    def user_id(self) -> str:
        """The id of the user calling; for operations that need a session."""
        if self.caller is None:
            raise RuntimeError(f"{self.operation.id} needs no session, so it has no user")
        return self.caller.user_id

    @property
    def json(self) -> dict[str, Any]:
        """The request body; for operations that require one."""
        if self.body is None:
            raise RuntimeError(f"{self.operation.id} requires no body, so it may have none")
        return self.body


@attrs.frozen
class Reply:
    """What a handler answers: the status, a body for JSON (`None`: no body), extra headers."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
