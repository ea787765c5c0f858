"""Violated constraints of the database as errors of the domain."""

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import (
    SQLITE_CONSTRAINT_FOREIGNKEY,
    SQLITE_CONSTRAINT_PRIMARYKEY,
    SQLITE_CONSTRAINT_UNIQUE,
)

from agentserver_reference.domain.errors import Conflict, NotFound

# SQLite reports an extended result code, PostgreSQL an SQLSTATE.
_UNIQUE = {SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE, "23505"}
_FOREIGN_KEY = {SQLITE_CONSTRAINT_FOREIGNKEY, "23503"}


@contextmanager
def unique(line: str) -> Iterator[None]:
    """A violated unique constraint inside the block raises `Conflict(line)`."""
    try:
        yield
    except Exception as error:
        if _code(error) in _UNIQUE:
            raise Conflict(line) from None
        raise


@contextmanager
def referenced(line: str) -> Iterator[None]:
    """A violated foreign key inside the block raises `NotFound(line)`."""
    try:
        yield
    except Exception as error:
        if _code(error) in _FOREIGN_KEY:
            raise NotFound(line) from None
        raise


def _code(error: Exception) -> object:
    return getattr(error, "sqlite_errorcode", None) or getattr(error, "sqlstate", None)
