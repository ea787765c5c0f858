"""Database access for services: every change is preceded by its locks and its authorisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

import attrs

from agentserver_reference.domain.errors import NotFound
from agentserver_reference.storage.locks import Lock
from agentserver_reference.storage.permissions import Permission

if TYPE_CHECKING:
    from agentserver_reference.context import Context
    from agentserver_reference.storage.engine.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")


class Authority(Protocol):
    """Decides whether a change is permitted."""

    @property
    def lock(self) -> Lock:
        """The rows that the permission depends on. It cannot be revoked while they are locked."""
        ...

    def check(self, conn: Connection, /) -> object:
        """Raise a Refusal if the change is not permitted now."""
        ...

    @property
    def permission(self) -> Permission | None:
        """What a statement needs to check the permission itself; None if it cannot."""
        ...


@attrs.frozen
class SystemAuthority:
    """Permits everything; for workers, which act for the server itself."""

    lock: Lock = Lock()
    permission: None = None

    def check(self, conn: Connection) -> None:
        """Permit it."""


SYSTEM = SystemAuthority()


@attrs.define(eq=False)  # twice as fast to make as a frozen one
class UnitOfWork:
    """The database access of one call, or of one run of a worker."""

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
        """Check the permission again, then run `query(connection, ...)`, outside a transaction.

        For changes that an external service makes, which our locks do not cover: to be called
        immediately before the service.
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
        """Run `change(connection, ...)` in a transaction, after its locks and its authorisation.

        The order matters. First the rows are locked: those that the change needs, and those that
        the permission depends on. Then the permission is checked, with data that is read after
        the locks were granted, so that a caller who lost the permission while this transaction
        waited for a lock is rejected. It cannot be revoked between the check and the commit,
        because whatever revokes it needs one of the same locks.

        Raises:
            NotFound: a row to be locked does not exist.
            Refusal: the change is not permitted, or `change` raised it.
        """

        def authorized(conn: Connection) -> T:
            permission = self.authority.lock
            # Where a writing transaction locks everything, statements only find what is missing,
            # and nothing is missing of what a granted permission depends on.
            locked = conn.locks_everything and lock == permission
            missing = None if locked else (permission | lock).take(conn)
            self.authority.check(conn)
            if missing is not None:
                raise NotFound(f"{missing} not found")
            return change(conn, *args, **kwargs)

        return await self.context.store.write(authorized)

    async def change(
        self, change: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `change(connection, ...)`, one statement that checks the permission itself.

        It waits for no lock that another transaction holds for longer than such a statement, so
        that it needs none of its own.
        """
        return await self.context.store.change(change, *args, **kwargs)

    async def update(
        self,
        lock: Lock,
        change: Callable[Concatenate[Connection, Permission | None, P], T | None],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run `change(connection, permission, ...)`, one statement that changes one workspace.

        It is `write` in a single statement, which locks the workspace, checks the permission and
        changes the workspace if the permission is as it was (see `storage.permissions`). Where it
        changes nothing, `write` finds out why.

        Raises:
            NotFound: `change` returned None, because there is no such row.
            Refusal: the change is not permitted.
        """
        permission = self.authority.permission if self.authority.lock == lock else None
        changed = None
        if permission is not None:
            changed = await self.context.store.change(change, permission, *args, **kwargs)
        if changed is None:
            changed = await self.write(lock, change, None, *args, **kwargs)
        if changed is None:
            raise NotFound("not found")
        return changed
