"""The tables' version: written on the first start, read on every other, a newer one refused."""

from sqlalchemy import Connection, insert, inspect, select

from agentserver_reference.storage.store import StoreError
from agentserver_reference.storage.tables import installation, metadata

VERSION = 1

_hold = select(installation.c.schema_version).with_for_update()


class SchemaTooNew(StoreError):
    """A newer server has changed the tables."""


class SchemaUnknown(StoreError):
    """Tables of our names are there, and somebody else made them."""


def prepare(conn: Connection) -> None:
    """Make the tables, or check that those there are ours.

    The caller holds a lock for the whole database, since creating the same tables twice at once
    fails on PostgreSQL.
    """
    present = set(inspect(conn).get_table_names())
    if installation.name in present:
        _check(conn)
    elif foreign := sorted(present & set(metadata.tables)):
        raise SchemaUnknown(
            f"the database holds tables of another program ({', '.join(foreign)}); "
            "give this server a database of its own"
        )
    else:
        metadata.create_all(conn, checkfirst=False)
        conn.execute(insert(installation), {"id": 1, "schema_version": VERSION})


def _check(conn: Connection) -> None:
    found = conn.execute(select(installation.c.schema_version)).scalar_one()
    if found > VERSION:
        raise SchemaTooNew(
            f"the database has schema version {found}, this server knows version {VERSION}; "
            "upgrade agentserver to open it"
        )


def hold_installation(conn: Connection) -> None:
    """Let one transaction at a time change what there is once: first user, system settings."""
    conn.execute(_hold).one()
