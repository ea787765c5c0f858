"""Which process leads each background loop, and for how long."""

from datetime import datetime

from sqlalchemy import bindparam, delete, text

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import worker_leases

# Compare-and-set in one statement: of several that want a lease at once, one gets the row back.
# Core has no such insert that both databases take, but they read it alike.
_acquire = text("""
    INSERT INTO worker_leases (name, holder, expires_at) VALUES (:name, :holder, :until)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
    WHERE worker_leases.holder = excluded.holder OR worker_leases.expires_at <= :now
    RETURNING holder
""")
_release = delete(worker_leases).where(worker_leases.c.holder == bindparam("leaving"))


def acquire(conn: Connection, name: str, holder: str, *, now: datetime, until: datetime) -> bool:
    """Take the lease `name`, or renew it, until `until`; False where another has it at `now`."""
    values = {"name": name, "holder": holder, "now": timestamp(now), "until": timestamp(until)}
    return conn.execute(_acquire, values).first() is not None


def release(conn: Connection, holder: str) -> None:
    """Give up all leases of a holder, so that others need not wait until they expire."""
    conn.execute(_release, {"leaving": holder})
