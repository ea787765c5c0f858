"""SQLite: one kept connection, used on the event loop itself.

Statements here take microseconds, a thread hop takes longer. Nothing awaits between BEGIN and
COMMIT, so that no two transactions meet on the connection.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from agentserver_reference.storage.engine import schema
from agentserver_reference.storage.engine.compiled import compiler_for
from agentserver_reference.storage.engine.connection import Connection, Row
from agentserver_reference.storage.engine.store import P, Query, Store, StoreUnreachable, T

_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
)


_TABLES = text("SELECT name FROM sqlite_master WHERE type = 'table'")

_DIALECT = SQLiteDialect(paramstyle="qmark")
_compile = compiler_for(_DIALECT)


class _Connection(Connection):
    def __init__(self, raw: sqlite3.Connection) -> None:
        super().__init__(_DIALECT, _compile)
        self.raw = raw

    def _fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Row]:
        return self.raw.execute(sql, arguments).fetchall()

    def _change(self, sql: str, arguments: Sequence[Any]) -> int:
        return self.raw.execute(sql, arguments).rowcount


class SqliteStore(Store):
    """The embedded database in the file at `path`; without a path, in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = ":memory:" if path is None else str(path)
        self._kept: _Connection | None = None

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
    def _connection(self) -> _Connection:
        if self._kept is None:
            raise RuntimeError("the store is not open")
        return self._kept

    async def open(self) -> None:
        """See Store."""
        try:
            self._kept = _Connection(self._connect())
            found = self._in_transaction("BEGIN EXCLUSIVE", schema.prepare, _TABLES)
            if found < schema.VERSION:
                self._upgrade()
        except sqlite3.Error as error:
            await self.close()
            raise StoreUnreachable(f"cannot use {self._path} as a database: {error}") from error
        except BaseException:
            await self.close()
            raise

    def _upgrade(self) -> None:
        from sqlalchemy import NullPool, create_engine

        from agentserver_reference.storage.engine.migrations import upgrade

        engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        with engine.connect() as connection:
            # To change a column, SQLite makes the table anew and drops the old one, which would
            # delete the rows that refer to it. This cannot be switched off in a transaction.
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
            upgrade(connection)
            connection.commit()

    async def close(self) -> None:
        """See Store."""
        if self._kept is not None:
            self._kept.raw.close()
            self._kept = None

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
        connection.raw.execute(begin)
        try:
            result = query(connection, *args, **kwargs)
        except BaseException:
            connection.raw.execute("ROLLBACK")
            raise
        connection.raw.execute("COMMIT")
        return result
