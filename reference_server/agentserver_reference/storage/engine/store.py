"""What the rest of the server sees of the database: a query runs in a read or a transaction."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from agentserver_reference.storage.engine.connection import Connection

P = ParamSpec("P")
T = TypeVar("T")

Query = Callable[Concatenate[Connection, P], T]


class StoreError(Exception):
    """The database cannot be used; the message is one line that says why, without a password."""


class StoreUnreachable(StoreError):
    """Nothing answers where the database should be, or it lets this server not in."""


class Store(ABC):
    """One database. Queries are plain functions over a connection, the same for every database."""

    @abstractmethod
    async def open(self) -> None:
        """Connect, and make or check the tables.

        Raises `StoreError` for a database that cannot be reached, or that this server must not
        touch.
        """

    @abstractmethod
    async def close(self) -> None:
        """Give every connection back; a store that was never opened may be closed."""

    @abstractmethod
    async def read(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(connection, *args)` outside a transaction; it must not write."""

    @abstractmethod
    async def write(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query(connection, *args)` in one transaction: whole on return, undone on raise."""
