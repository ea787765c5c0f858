"""PostgreSQL through asyncpg: a pool, a transaction for every write, none for a read."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import await_only, greenlet_spawn

from agentserver_reference.storage.engine import schema
from agentserver_reference.storage.engine.compiled import compiler_for
from agentserver_reference.storage.engine.connection import Connection, Row
from agentserver_reference.storage.engine.store import (
    DatabaseFunction,
    P,
    Store,
    StoreUnreachable,
    T,
)

_POOL_SIZE = 16
# An arbitrary number, the same in every server process.
_START_LOCK = text("SELECT pg_advisory_xact_lock(7310579468021)")

# SQLAlchemy wraps the errors of the driver during an upgrade.
_DATABASE_ERRORS = (
    OSError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    DBAPIError,
)


class _Dialect(PGDialect_asyncpg):
    """Reads JSON from text, as asyncpg gives it where no codec is set on each connection."""

    supports_statement_cache = True
    supports_native_json_deserialization = False


_DIALECT = _Dialect()  # type: ignore[no-untyped-call]
_compile = compiler_for(_DIALECT)


class _Connection(Connection):
    """Awaits the driver on behalf of queries, which are written as plain functions."""

    def __init__(self, raw: Any) -> None:
        super().__init__(_DIALECT, _compile)
        self._raw = raw

    def _fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Row]:
        return await_only(self._raw.fetch(sql, *arguments))

    def _change(self, sql: str, arguments: Sequence[Any]) -> int:
        status = await_only(self._raw.execute(sql, *arguments))
        return int(status.rpartition(" ")[2])  # as in "UPDATE 1"


class PostgresStore(Store):
    """The database at `url` (`postgresql://...`), shared by any number of processes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: Any = None

    @property
    def _pool(self) -> Any:
        if self._opened is None:
            raise RuntimeError("the store is not open")
        return self._opened

    async def open(self) -> None:
        """See Store."""
        try:
            self._opened = await asyncpg.create_pool(
                self._url, min_size=1, max_size=_POOL_SIZE, reset=_no_reset
            )
            if await self.write(_prepare_locked) < schema.VERSION:
                await self._upgrade()
        except _DATABASE_ERRORS as error:
            await self.close()
            where = make_url(self._url).render_as_string(hide_password=True)
            reason = getattr(error, "driver_exception", error)
            raise StoreUnreachable(f"cannot use the database at {where}: {reason}") from error
        except BaseException:
            await self.close()
            raise

    async def _upgrade(self) -> None:
        from sqlalchemy import NullPool
        from sqlalchemy.ext.asyncio import create_async_engine

        from agentserver_reference.storage.engine.migrations import upgrade

        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: asyncpg.connect(self._url),
            poolclass=NullPool,
            isolation_level="READ COMMITTED",
        )
        async with engine.begin() as connection:
            await connection.execute(_START_LOCK)
            await connection.run_sync(upgrade)

    async def close(self) -> None:
        """See Store."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    async def read(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        async with self._pool.acquire() as raw:
            return await greenlet_spawn(partial(query, _Connection(raw), *args, **kwargs))

    async def write(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        # READ COMMITTED: what is read after waiting for a lock is what was committed meanwhile.
        async with self._pool.acquire() as raw, raw.transaction(isolation="read_committed"):
            return await greenlet_spawn(partial(query, _Connection(raw), *args, **kwargs))


async def _no_reset(raw: Any) -> None:
    """Return a connection to the pool without a round trip: nothing here changes its state."""


def _prepare_locked(conn: Connection) -> int:
    """Several processes may start at once on an empty database; one creates the tables."""
    conn.execute(_START_LOCK)
    return schema.prepare(conn, _TABLES)


_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
