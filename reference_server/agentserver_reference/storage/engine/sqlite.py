"""SQLite: one connection, used on the event loop itself.

A statement takes microseconds, and handing it to a thread would take longer. Nothing awaits between
BEGIN and COMMIT, so that transactions on the connection never interleave.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import DBAPIError

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
        self._opened: _Connection | None = None

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
        if self._opened is None:
            raise RuntimeError("the store is not open")
        return self._opened

    async def open(self) -> None:
        """See Store."""
        try:
            self._opened = _Connection(self._connect())
            found = self._in_transaction("BEGIN EXCLUSIVE", schema.prepare, _TABLES)
            if found < schema.VERSION:
                self._upgrade()
        except (sqlite3.Error, DBAPIError) as error:  # SQLAlchemy wraps those of an upgrade
            await self.close()
            reason = getattr(error, "driver_exception", error)
            raise StoreUnreachable(f"cannot use {self._path} as a database: {reason}") from error
        except BaseException:
            await self.close()
            raise

    def _upgrade(self) -> None:
        from sqlalchemy import NullPool, create_engine

        from agentserver_reference.storage.engine.migrations import upgrade

        engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        with engine.connect() as connection:
            # To change a column, SQLite recreates the table and drops the old one. With foreign
            # keys enforced, that would delete the rows that refer to it; inside a transaction they
            # cannot be switched off.
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
            upgrade(connection)
            connection.commit()

    async def close(self) -> None:
        """See Store."""
        if self._opened is not None:
            self._opened.raw.close()
            self._opened = None

    async def read(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        return query(self._connection, *args, **kwargs)

    async def write(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        return self._in_transaction("BEGIN IMMEDIATE", query, *args, **kwargs)

    def _in_transaction(
        self, begin: str, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
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
