"""What the database refuses, in the words of the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE

from agentserver_reference.domain.errors import Conflict

# SQLite says it by its extended result code, PostgreSQL by SQLSTATE.
_UNIQUE = {SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE, "23505"}


@contextmanager
def unique(line: str) -> Iterator[None]:
    """Inside, inserting what is there already raises `Conflict(line)`."""
    try:
        yield
    except Exception as error:
        code = getattr(error, "sqlite_errorcode", None) or getattr(error, "sqlstate", None)
        if code in _UNIQUE:
            raise Conflict(line) from None
        raise
