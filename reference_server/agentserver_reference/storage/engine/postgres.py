"""PostgreSQL through asyncpg: a pool, a transaction for every write, none for a read.

A connection whose answer does not come in time is closed, by a timer: that needs nothing from a
server which may be frozen. Cancelling the query instead would wait for that server once more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Float, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError

from agentserver_reference.storage.engine import schema
from agentserver_reference.storage.engine.availability import Availability
from agentserver_reference.storage.engine.compiled import compiler_for
from agentserver_reference.storage.engine.connection import Connection, Row
from agentserver_reference.storage.engine.greenlets import FunctionRunner, wait_for
from agentserver_reference.storage.engine.libpq import read_url
from agentserver_reference.storage.engine.pool import Pool
from agentserver_reference.storage.engine.store import (
    DatabaseFunction,
    P,
    Store,
    StoreUnreachable,
    T,
    Verify,
)

_POOL_SIZE = 16

_STATEMENTS = 256
"""How many prepared statements a connection keeps: more than there are."""

# An arbitrary number, the same in every server process.
_START_LOCK = text("SELECT pg_advisory_xact_lock(7310579468021)")

# The last one: no host has the `target_session_attrs` of the URL, for example during a failover.
_CONNECT_ERRORS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

# SQLAlchemy wraps the errors of the driver during an upgrade.
_DATABASE_ERRORS = (
    OSError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DBAPIError,
)

# What says that the server cannot be used now, whatever the statement is: connection failures,
# shutdowns and restarts (57), a lack of connections, memory or disk (53), a standby.
_UNAVAILABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)


class _Dialect(PGDialect_asyncpg):
    """Reads JSON from text, as asyncpg gives it where no codec is set on each connection.

    Floats are as the driver gives them. Core's own type for them asks for the code of the column,
    which is only known at an execution.
    """

    supports_statement_cache = True
    supports_native_json_deserialization = False
    colspecs = {**PGDialect_asyncpg.colspecs, Float: Float}  # noqa: RUF012 - as in Core


_DIALECT = _Dialect()  # type: ignore[no-untyped-call]
_compile = compiler_for(_DIALECT)


class _Connection(Connection):
    """Awaits the driver on behalf of queries, which are written as plain functions."""

    def __init__(self, raw: Any) -> None:
        super().__init__(_DIALECT, _compile)
        self._raw = raw
        self._runner = FunctionRunner()
        self.is_closed = raw.is_closed
        self.terminate = raw.terminate
        self.close = raw.close

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query outside a transaction."""
        return await self._runner.run(partial(query, self))

    async def change(self, query: Callable[[Connection], T]) -> T:
        """Run a query that is one statement, and a transaction of its own."""
        try:
            return await self.read(query)
        except asyncpg.SerializationError:
            # The default of this database is an isolation level above READ COMMITTED.
            return await self.write(query)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
            raise _CommitUnanswered(error) from None

    async def write(self, query: Callable[[Connection], T]) -> T:
        """Run a query in a transaction."""
        # READ COMMITTED: what is read after waiting for a lock is what was committed meanwhile.
        await self._raw.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        try:
            result = await self.read(query)
        except Exception:
            # Where the connection is lost, the transaction is lost with it.
            with suppress(*_UNAVAILABLE, asyncpg.InterfaceError):
                await self._raw.execute("ROLLBACK")
            raise
        try:
            await self._raw.execute("COMMIT")
        except (*_UNAVAILABLE, asyncpg.InterfaceError) as error:
            raise _CommitUnanswered(error) from None
        return result

    def _fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Row]:
        rows: Sequence[Row] = wait_for(self._raw.fetch(sql, *arguments))
        return rows

    def _change(self, sql: str, arguments: Sequence[Any]) -> int:
        status = wait_for(self._raw.execute(sql, *arguments))
        return int(status.rpartition(" ")[2])  # as in "UPDATE 1"


async def _connect(**arguments: Any) -> _Connection:
    return _Connection(await asyncpg.connect(**arguments))


class PostgresStore(Store):
    """The database at `url` (`postgresql://...`), shared by any number of processes."""

    def __init__(self, url: str, availability: Availability, verify: Verify) -> None:
        self._verify = verify
        self._target = read_url(url, availability.timeout)
        self._availability = availability
        self._opened: Pool[_Connection] | None = None

    @property
    def _pool(self) -> Pool[_Connection]:
        if self._opened is None:
            raise RuntimeError("the store is not open")
        return self._opened

    async def open(self) -> None:
        """See Store."""
        try:
            arguments = self._connect_arguments(await self._is_pooled())
            self._opened = Pool(partial(_connect, **arguments), _POOL_SIZE)
            found = await self._locked(self._prepare)
            if found < schema.VERSION:
                await self._upgrade()
                await self._locked(self._prepare)
        except _DATABASE_ERRORS as error:
            await self.close()
            raise self._unreachable(error) from error
        except BaseException:
            await self.close()
            raise

    def _connect_arguments(self, pooled: bool) -> dict[str, Any]:
        """Return what asyncpg takes to connect.

        A prepared statement belongs to a session of PostgreSQL. Behind a pooler, the statements of
        one connection are run in many sessions, so none is kept.
        """
        return {
            "dsn": self._target.url,
            "timeout": self._target.connect_timeout,
            "connection_class": self._target.connection_class,
            "statement_cache_size": 0 if pooled else _STATEMENTS,
            "max_cached_statement_lifetime": 0,
        }

    async def _is_pooled(self) -> bool:
        """Return whether a pooler such as PgBouncer is between this server and the database.

        A connection learns at its start which process of the database serves it. A pooler sends
        a number of its own, as that process may change with each transaction.
        """
        raw = await self._connect_pooled()
        try:
            process: int = await raw.fetchval("SELECT pg_backend_pid()")
            announced: int = raw.get_server_pid()
            await raw.close()
        finally:
            raw.terminate()
        return process != announced

    async def _connect_pooled(self) -> Any:
        return await asyncpg.connect(**self._connect_arguments(pooled=True))

    def _unreachable(self, error: Exception) -> StoreUnreachable:
        where = self._target.shown
        reason = getattr(error, "driver_exception", error)
        return StoreUnreachable(f"cannot use the database at {where}: {reason}")

    async def _locked(self, query: Callable[[Connection], T]) -> T:
        """Run a transaction with the lock of starts, without a limit of time: the process that has
        the lock may be upgrading.
        """

        def locked(conn: Connection) -> T:
            conn.execute(_START_LOCK)
            return query(conn)

        pool = self._pool
        connection = await pool.acquire()
        try:
            return await connection.write(locked)
        except asyncio.CancelledError:
            connection.terminate()
            raise
        finally:
            pool.release(connection)

    def _prepare(self, conn: Connection) -> int:
        """Several processes may start at once on an empty database; one creates the tables."""
        found = schema.prepare(conn, _TABLES)
        self._verify(conn, found)
        return found

    async def _upgrade(self) -> None:
        from sqlalchemy import NullPool
        from sqlalchemy.ext.asyncio import create_async_engine

        from agentserver_reference.storage.engine.migrations import upgrade

        engine = create_async_engine(
            "postgresql+asyncpg://",
            connect_args={
                "async_creator_fn": self._connect_pooled,
                # Unnamed: behind a pooler, another connection may have used the same name.
                "prepared_statement_name_func": str,
                "prepared_statement_cache_size": 0,
            },
            poolclass=NullPool,
            isolation_level="READ COMMITTED",
        )
        async with engine.begin() as connection:
            await connection.execute(_START_LOCK)
            await connection.run_sync(upgrade)

    async def write_alone(
        self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Store."""
        try:
            return await self._locked(lambda conn: query(conn, *args, **kwargs))
        except _DATABASE_ERRORS as error:
            raise self._unreachable(error) from error

    async def close(self) -> None:
        """See Store."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            with suppress(TimeoutError):
                await asyncio.wait_for(opened.close(), self._availability.timeout)

    async def read(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        return await self._run(
            _Connection.read, lambda conn: query(conn, *args, **kwargs), writing=False
        )

    async def change(
        self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Store."""
        return await self._run(
            _Connection.change, lambda conn: query(conn, *args, **kwargs), writing=True
        )

    async def write(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        return await self._run(
            _Connection.write, lambda conn: query(conn, *args, **kwargs), writing=True
        )

    async def _run(
        self,
        run: Callable[[_Connection, Callable[[Connection], T]], Awaitable[T]],
        query: Callable[[Connection], T],
        *,
        writing: bool,
    ) -> T:
        """Run a query on a connection of the pool, all within the time that a request may wait."""
        availability, pool, loop = self._availability, self._pool, asyncio.get_running_loop()
        deadline = loop.time() + availability.timeout
        availability.enter()
        try:
            connection = pool.take_idle() or await self._acquire(deadline, writing)
            timer = loop.call_at(deadline, connection.terminate)
            try:
                result = await run(connection, query)
            except asyncio.CancelledError:
                connection.terminate()
                raise
            except _CommitUnanswered as error:
                raise availability.lost(error, writing=True, retry_after=None) from None
            except Exception as error:
                if loop.time() >= deadline:
                    reason = f"no answer within {availability.timeout} s"
                    raise availability.lost(reason, writing=writing) from None
                if isinstance(error, _UNAVAILABLE) or connection.is_closed():
                    raise availability.lost(error, writing=writing) from None
                raise
            finally:
                timer.cancel()
                pool.release(connection)
        finally:
            availability.leave()
        availability.answered(writing=writing)
        return result

    async def _acquire(self, deadline: float, writing: bool) -> _Connection:
        pool = self._pool
        try:
            async with asyncio.timeout_at(deadline):
                return await pool.acquire()
        except TimeoutError:
            reason = f"no connection within {self._availability.timeout} s"
            raise self._availability.lost(reason, writing=writing) from None
        except _CONNECT_ERRORS as error:
            raise self._availability.lost(error, writing=writing) from None


class _CommitUnanswered(ConnectionError):
    """The connection was lost when the transaction may have been committed."""


_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
