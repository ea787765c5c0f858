"""SQLite: one connection, used on the event loop itself.

A statement takes microseconds, and handing it to a thread would take longer. Nothing awaits between
BEGIN and COMMIT, so that transactions on the connection never interleave. SQLite itself never waits
for a lock of another process once the store is open: that would block the event loop. Instead, the
attempt is repeated until it succeeds or its time is over.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import DBAPIError

from agentserver_reference.storage.engine import schema
from agentserver_reference.storage.engine.availability import Availability
from agentserver_reference.storage.engine.compiled import compiler_for
from agentserver_reference.storage.engine.connection import Connection, Row
from agentserver_reference.storage.engine.store import (
    DatabaseFunction,
    P,
    Store,
    StoreUnreachable,
    T,
    Verify,
)

_RETRY = 0.01
"""Seconds between two attempts at a locked database."""

_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
"""Result codes by which the file cannot be used now, whatever the statement is."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
)


_TABLES = text("SELECT name FROM sqlite_master WHERE type = 'table'")

_DIALECT = SQLiteDialect(paramstyle="qmark")
_compile = compiler_for(_DIALECT)


class _Connection(Connection):
    locks_everything = True

    def __init__(self, raw: sqlite3.Connection) -> None:
        super().__init__(_DIALECT, _compile)
        self.raw = raw

    def _fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Row]:
        return self.raw.execute(sql, arguments).fetchall()

    def _change(self, sql: str, arguments: Sequence[Any]) -> int:
        return self.raw.execute(sql, arguments).rowcount


class _Locked(Exception):
    """Another process locks the file. Nothing was done, so the attempt can be repeated."""


class SqliteStore(Store):
    """The embedded database in the file at `path`; without a path, in memory."""

    def __init__(self, path: Path | None, availability: Availability, verify: Verify) -> None:
        self._verify = verify
        self._availability = availability
        self._path = ":memory:" if path is None else str(path)
        self._opened: _Connection | None = None

    def _connect(self) -> sqlite3.Connection:
        raw = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            raw.execute(f"PRAGMA busy_timeout = {self._availability.timeout * 1000}")
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
            found = self._in_transaction("BEGIN EXCLUSIVE", self._prepare)
            if found < schema.VERSION:
                self._upgrade()
                self._in_transaction("BEGIN EXCLUSIVE", self._prepare)
            self._opened.raw.execute("PRAGMA busy_timeout = 0")
        # SQLAlchemy wraps the errors of an upgrade.
        except (sqlite3.Error, _Locked, DBAPIError) as error:
            await self.close()
            reason = getattr(error, "driver_exception", error)
            raise StoreUnreachable(f"cannot use {self._path} as a database: {reason}") from error
        except BaseException:
            await self.close()
            raise

    def _prepare(self, conn: Connection) -> int:
        found = schema.prepare(conn, _TABLES)
        self._verify(conn, found)
        return found

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

    async def write_alone(
        self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Store."""
        try:
            return self._in_transaction("BEGIN EXCLUSIVE", query, *args, **kwargs)
        except (sqlite3.Error, _Locked) as error:
            raise StoreUnreachable(f"cannot use {self._path} as a database: {error}") from None

    async def close(self) -> None:
        """See Store."""
        if self._opened is not None:
            self._opened.raw.close()
            self._opened = None

    async def read(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        return await self._when_free(False, self._outside_transaction, query, *args, **kwargs)

    async def change(
        self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Store."""
        return await self._when_free(True, self._outside_transaction, query, *args, **kwargs)

    async def write(self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Store."""
        return await self._when_free(
            True, self._in_transaction, "BEGIN IMMEDIATE", query, *args, **kwargs
        )

    async def _when_free(
        self, writing: bool, attempt: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Make the attempt; again if another process locks the file."""
        try:
            try:
                result = attempt(*args, **kwargs)
            except _Locked:
                result = await self._repeat(partial(attempt, *args, **kwargs))
        except (sqlite3.Error, _Locked) as error:
            # A violated constraint, say, has another code, and is handled where it is expected.
            if isinstance(error, _Locked) or _primary_code(error) in _UNAVAILABLE:
                raise self._availability.lost(error, writing=writing) from None
            raise
        self._availability.answered(writing=writing)
        return result

    async def _repeat(self, attempt: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._availability.timeout
        self._availability.enter()
        try:
            while True:
                await asyncio.sleep(_RETRY)
                try:
                    return attempt()
                except _Locked:
                    if loop.time() >= deadline:
                        raise
        finally:
            self._availability.leave()

    def _outside_transaction(
        self, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            return query(self._connection, *args, **kwargs)
        except sqlite3.Error as error:
            if _primary_code(error) == sqlite3.SQLITE_BUSY:
                raise _Locked(error) from None
            raise

    def _in_transaction(
        self, begin: str, query: DatabaseFunction[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        connection = self._connection
        try:
            connection.raw.execute(begin)
        except sqlite3.Error as error:
            if _primary_code(error) == sqlite3.SQLITE_BUSY:
                raise _Locked(error) from None
            raise
        try:
            result = query(connection, *args, **kwargs)
            connection.raw.execute("COMMIT")
        except BaseException:
            if connection.raw.in_transaction:  # a full disk has rolled it back already
                connection.raw.execute("ROLLBACK")
            raise
        return result


def read_once(path: Path, sql: str) -> object:
    """The first value that a query finds in a file which no store has opened.

    None where it finds nothing, or where the tables do not have what it asks for.
    """
    with closing(sqlite3.connect(path)) as connection:
        try:
            row = connection.execute(sql).fetchone()
        except sqlite3.OperationalError:
            return None
    return row[0] if row else None


def _primary_code(error: BaseException) -> int:
    """SQLite's result code without its extension; 0 for an error of another origin."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
