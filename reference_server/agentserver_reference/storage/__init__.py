"""The database: its tables, the queries on them, and SQLite and PostgreSQL to run them on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from agentserver_reference.storage.engine.availability import Availability
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.schema import SchemaTooNew, SchemaUnknown
from agentserver_reference.storage.engine.store import Store, StoreError, StoreUnreachable

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings
    from agentserver_reference.storage.encryption_key import EncryptionKey

__all__ = [
    "SchemaTooNew",
    "SchemaUnknown",
    "Store",
    "StoreError",
    "StoreUnreachable",
    "open_store",
    "sqlite_path",
]


def open_store(settings: Settings, key: EncryptionKey | None = None) -> Store:
    """The store that `settings.resolved_database_url` names; `await store.open()` connects it.

    Arguments:
        settings: the settings.
        key: what `open` checks against the stored secrets; None to read none of them.

    Raises StoreError if the packages for PostgreSQL are not installed.
    """
    availability = Availability(settings.database_timeout, settings.database_queue)
    verify = _accept if key is None else key.check
    if settings.is_postgresql:
        # Imported late: asyncpg is optional, and takes a while to import.
        try:
            from agentserver_reference.storage.engine.postgres import PostgresStore
        except ModuleNotFoundError as error:
            raise StoreError(
                f"{error.name} is not installed; install agentserver with the extra 'postgres'"
            ) from None
        return PostgresStore(settings.resolved_database_url, availability, verify)
    from agentserver_reference.storage.engine.sqlite import SqliteStore

    return SqliteStore(sqlite_path(settings.resolved_database_url), availability, verify)


def _accept(_conn: Connection, _version: int) -> None:
    """Check nothing."""


def sqlite_path(url: str) -> Path | None:
    """The file that `sqlite:///PATH` names; None for `sqlite://`, a database in memory."""
    _, _, path = url.partition(":///")
    return Path(unquote(path)) if path else None
