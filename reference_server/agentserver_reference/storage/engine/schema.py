"""The schema version: written at the first start, compared at every later one."""

from functools import cache

from sqlalchemy import TextClause, insert, select
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.store import StoreError
from agentserver_reference.storage.tables import WHERE, installation, metadata

VERSION = 22
"""The newest version, which is the number of the last script in `migrations/versions`."""

_add_installation = insert(installation)


class SchemaTooNew(StoreError):
    """A newer server has upgraded the tables."""


class SchemaUnknown(StoreError):
    """The database contains tables with our names that another program created."""


def prepare(conn: Connection, table_names: TextClause) -> int:
    """Create the tables if there are none; the schema version that they have.

    The caller holds a lock for the whole database, since creating the same tables twice at once
    fails on PostgreSQL. Tables of an older version are left to `migrations.upgrade`.

    Arguments:
        conn: a connection in the transaction that holds the lock.
        table_names: selects the names of the existing tables.

    Raises:
        SchemaTooNew: a newer server has upgraded the tables.
        SchemaUnknown: the tables belong to another program.
    """
    present = set(conn.execute(table_names).scalars())
    if installation.name in present:
        found: int = conn.execute(select(installation.c.schema_version)).scalar_one()
        check(found)
        return found
    if foreign := sorted(present & set(metadata.tables)):
        raise SchemaUnknown(
            f"the database holds tables of another program ({', '.join(foreign)}); "
            "give this server a database of its own"
        )
    for statement in _creation(conn.dialect.name):
        conn.execute(statement)
    conn.execute(_add_installation, {"id": 1, "schema_version": VERSION})
    return VERSION


@cache  # so that a process which creates many databases, as tests do, compiles them once
def _creation(dialect: str) -> list[ExecutableDDLElement]:
    """Return what creates the tables, in an order that foreign keys allow."""
    statements: list[ExecutableDDLElement] = []
    for table in metadata.sorted_tables:
        statements.append(CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if WHERE in index.info:
                index.dialect_options[dialect]["where"] = index.info[WHERE]
            statements.append(CreateIndex(index))
    return statements


def check(found: int) -> None:
    """Raise SchemaTooNew if the tables have a version that this server does not know."""
    if found > VERSION:
        raise SchemaTooNew(
            f"the database has schema version {found}, this server knows version {VERSION}; "
            "upgrade agentserver to open it"
        )
