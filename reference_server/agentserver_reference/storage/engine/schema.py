"""The tables' version: written on the first start, read on every other, a newer one refused."""

from sqlalchemy import TextClause, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable

from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.store import StoreError
from agentserver_reference.storage.tables import installation, metadata

VERSION = 1

_lock = select(installation.c.schema_version).with_for_update()


class SchemaTooNew(StoreError):
    """A newer server has changed the tables."""


class SchemaUnknown(StoreError):
    """Tables of our names are there, and somebody else made them."""


def prepare(conn: Connection, table_names: TextClause) -> None:
    """Make the tables, or check that those there are ours; `table_names` selects their names.

    The caller holds a lock for the whole database, since creating the same tables twice at once
    fails on PostgreSQL.
    """
    present = set(conn.execute(table_names).scalars())
    if installation.name in present:
        _check(conn)
    elif foreign := sorted(present & set(metadata.tables)):
        raise SchemaUnknown(
            f"the database holds tables of another program ({', '.join(foreign)}); "
            "give this server a database of its own"
        )
    else:
        for table in metadata.sorted_tables:
            conn.execute(CreateTable(table))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                conn.execute(CreateIndex(index))
        conn.execute(insert(installation), {"id": 1, "schema_version": VERSION})


def _check(conn: Connection) -> None:
    found = conn.execute(select(installation.c.schema_version)).scalar_one()
    if found > VERSION:
        raise SchemaTooNew(
            f"the database has schema version {found}, this server knows version {VERSION}; "
            "upgrade agentserver to open it"
        )


def lock_installation(conn: Connection) -> None:
    """Let one transaction at a time change what there is once: first user, system settings."""
    conn.execute(_lock).scalar_one()
