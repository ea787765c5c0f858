"""The interface to the database: functions run in it, outside or inside a transaction."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from agentserver_reference.storage.engine.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")

DatabaseFunction = Callable[Concatenate[Connection, P], T]

Verify = Callable[[Connection, int], None]
"""Raises StoreError for a database that must not be used: called at the start, in its transaction,
with the schema version, before the tables are upgraded and once more afterwards."""


class StoreError(Exception):
    """The database cannot be used; the message is one line that says why, without a password."""


class StoreUnreachable(StoreError):
    """The database does not answer, or refuses this server."""


class Store(ABC):
    """One database. Queries are plain functions over a connection, the same for every database."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, and create, upgrade or check the tables.

        Raises `StoreError` for a database that cannot be reached, or that this server must not
        use.
        """

    async def write_alone(
        self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `query(connection, *args)` in a transaction beside which no server starts.

        It may take any time. Raises StoreError if the database fails.
        """
        return await self.write(query, *args, **kwargs)

    async def change(
        self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `query(connection, *args)`, one statement that is a transaction of its own.

        It may be run a second time if another transaction was committed in between.

        Raises DatabaseUnavailable if the database does not answer in time.
        """
        return await self.write(query, *args, **kwargs)

    @abstractmethod
    async def close(self) -> None:
        """Close every connection; does nothing for a store that was never opened."""

    @abstractmethod
    async def read(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(connection, *args)` outside a transaction; it must not write.

        Raises DatabaseUnavailable if the database does not answer in time.
        """

    @abstractmethod
    async def write(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(connection, *args)` in a transaction, rolled back if it raises.

        Raises DatabaseUnavailable if the database does not answer in time.
        """
