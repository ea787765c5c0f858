"""Upgrades older tables to the newest schema version, with one script of Alembic's per version.

The version of the tables is in `installation.schema_version` alone; Alembic's own version table is
not used. Only this package imports Alembic, and it is imported only for an upgrade.
"""

import logging
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError

from agentserver_reference import logs
from agentserver_reference.storage.engine import schema
from agentserver_reference.storage.engine.store import StoreError
from agentserver_reference.storage.tables import installation

FOLDER = Path(__file__).parent

_logger = logging.getLogger(logs.LOGGER)


class UpgradeFailed(StoreError):
    """The tables could not be upgraded, and are unchanged."""


def upgrade(connection: Connection) -> None:
    """Upgrade the tables to the newest version, in the transaction of `connection`.

    The caller has taken the startup lock in that transaction. The version is read again under the
    lock, because another process may have upgraded the tables in the meantime.

    Raises:
        SchemaTooNew: that process was a newer server.
        UpgradeFailed: a script failed; the caller rolls back.
    """
    found = connection.execute(select(installation.c.schema_version)).scalar_one()
    schema.check(found)
    logs.event(_logger, logging.INFO, "upgrading tables", found=found, newest=schema.VERSION)
    try:
        migrate(connection, found, schema.VERSION)
        connection.execute(update(installation).values(schema_version=schema.VERSION))
        _check_references(connection)
    except SQLAlchemyError as error:
        raise UpgradeFailed(
            f"cannot upgrade the tables from schema version {found} to {schema.VERSION}; "
            f"they are unchanged: {' '.join(str(error).split())}"
        ) from error


def migrate(connection: Connection, found: int, wanted: int) -> None:
    """Run the scripts from version `found`, 0 being an empty database, to version `wanted`."""
    scripts = ScriptDirectory(FOLDER)
    steps = list(scripts.iterate_revisions(_revision(wanted), _revision(found)))
    with Operations.context(MigrationContext.configure(connection)):
        for step in reversed(steps):
            step.module.upgrade()


def _revision(version: int) -> str:
    return f"{version:04}" if version else "base"


def _check_references(connection: Connection) -> None:
    """Check the foreign keys, which SQLite does not enforce during an upgrade."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise SQLAlchemyError(f"a row of {broken[0]} refers to no row of {broken[2]}")
