"""The database: its tables, the queries on them, and SQLite and PostgreSQL to run them on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from agentserver_reference.storage.engine.availability import Availability
from agentserver_reference.storage.engine.schema import SchemaTooNew, SchemaUnknown
from agentserver_reference.storage.engine.store import Store, StoreError, StoreUnreachable

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings

__all__ = [
    "SchemaTooNew",
    "SchemaUnknown",
    "Store",
    "StoreError",
    "StoreUnreachable",
    "open_store",
    "sqlite_path",
]


def open_store(settings: Settings) -> Store:
    """The store that `settings.resolved_database_url` names; `await store.open()` connects it.

    Raises StoreError if the packages for PostgreSQL are not installed.
    """
    availability = Availability(settings.database_timeout, settings.database_queue)
    if settings.is_postgresql:
        # Imported late: asyncpg is optional, and takes a while to import.
        try:
            from agentserver_reference.storage.engine.postgres import PostgresStore
        except ModuleNotFoundError as error:
            raise StoreError(
                f"{error.name} is not installed; install agentserver with the extra 'postgres'"
            ) from None
        return PostgresStore(settings.resolved_database_url, availability)
    from agentserver_reference.storage.engine.sqlite import SqliteStore

    return SqliteStore(sqlite_path(settings.resolved_database_url), availability)


def sqlite_path(url: str) -> Path | None:
    """The file that `sqlite:///PATH` names; None for `sqlite://`, a database in memory."""
    _, _, path = url.partition(":///")
    return Path(unquote(path)) if path else None
