"""SQLite: one kept connection, used on the event loop itself.

Statements here take microseconds, a thread hop takes longer. Nothing awaits between BEGIN and
COMMIT, so that no two transactions meet on the connection.
"""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, StaticPool, create_engine, exc

from agentserver_reference.storage import schema
from agentserver_reference.storage.store import P, Query, Store, StoreUnreachable, T

_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
)


class SqliteStore(Store):
    """The embedded database in the file at `path`; without a path, in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = ":memory:" if path is None else str(path)
        self._engine = create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=StaticPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,  # an error's text goes to the log, values may be secrets
        )
        self._kept: Connection | None = None

    def _connect(self) -> sqlite3.Connection:
        raw = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            for pragma in _PRAGMAS:
                raw.execute(pragma)
        except BaseException:
            raw.close()
            raise
        return raw

    @property
    def _connection(self) -> Connection:
        if self._kept is None:
            raise RuntimeError("the store is not open")
        return self._kept

    async def open(self) -> None:
        """See Store."""
        try:
            self._kept = self._engine.connect()
            self._in_transaction("BEGIN EXCLUSIVE", schema.prepare)
        except (sqlite3.Error, exc.DBAPIError) as error:
            await self.close()
            reason = getattr(error, "orig", error)
            raise StoreUnreachable(f"cannot use {self._path} as a database: {reason}") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """See Store."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
            self._engine.dispose()

    async def read(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        return query(self._connection, *args, **kwargs)

    async def write(self, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        return self._in_transaction("BEGIN IMMEDIATE", query, *args, **kwargs)

    def _in_transaction(
        self, begin: str, query: Query[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        connection = self._connection
        connection.exec_driver_sql(begin)
        try:
            result = query(connection, *args, **kwargs)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
        return result
