"""How a service reaches the database: what it changes is locked and authorised first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

import attrs

from agentserver_reference.domain.errors import NotFound
from agentserver_reference.storage.locks import Lock

if TYPE_CHECKING:
    from agentserver_reference.context import Context
    from agentserver_reference.storage.engine.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")


class Authority(Protocol):
    """The right by which something is read or changed."""

    @property
    def lock(self) -> Lock:
        """The rows that the right depends on: while they are locked, it cannot be taken away."""
        ...

    def check(self, conn: Connection, /) -> object:
        """Raise a Refusal unless the right is held now."""
        ...


@attrs.frozen
class SystemAuthority:
    """The server's own right, by which workers act: it needs no one's leave."""

    lock: Lock = Lock()

    def check(self, conn: Connection) -> None:
        """Nothing is refused."""


SYSTEM = SystemAuthority()


@attrs.frozen
class UnitOfWork:
    """Reads and transactions of one call, by the right of its caller, or of one run of a worker."""

    context: Context
    authority: Authority = attrs.field(default=SYSTEM, repr=False)

    async def read(
        self, query: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `query(connection, ...)` outside a transaction."""
        return await self.context.store.read(query, *args, **kwargs)

    async def check(
        self, query: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Check the right anew, then run `query(connection, ...)`, outside a transaction.

        For what is changed by an outside service, where no lock of ours reaches: call it last
        before the service.
        """

        def checked(conn: Connection) -> T:
            self.authority.check(conn)
            return query(conn, *args, **kwargs)

        return await self.context.store.read(checked)

    async def write(
        self,
        lock: Lock,
        change: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `change(connection, ...)` in one transaction, in which the right to it is checked.

        First the rows are locked, both those that the change needs and those that the right
        depends on. Then the right is read anew: whoever lost it while this call waited for a lock
        is refused. Only then does the change run, and nobody loses the right while it does.

        Raises:
            NotFound: a row to be locked does not exist, and the caller may know that.
            Refusal: the right is no longer held, or what `change` raises.
        """

        def authorized(conn: Connection) -> T:
            missing = (self.authority.lock | lock).take(conn)
            self.authority.check(conn)
            if missing is not None:
                raise NotFound(f"{missing} not found")
            return change(conn, *args, **kwargs)

        return await self.context.store.write(authorized)
