"""Which process leads each background loop, and for how long."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select, text

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
_held = select(worker_leases.c.name).where(worker_leases.c.expires_at > bindparam("now")).limit(1)
_release = delete(worker_leases).where(worker_leases.c.holder == bindparam("leaving"))


def acquire(conn: Connection, name: str, holder: str, *, now: datetime, until: datetime) -> bool:
    """Take the lease `name`, or renew it, until `until`; False where another has it at `now`."""
    values = {"name": name, "holder": holder, "now": timestamp(now), "until": timestamp(until)}
    return conn.execute(_acquire, values).first() is not None


def any_held(conn: Connection, now: datetime) -> bool:
    """Whether any process has a lease at `now`, as every running server tries to."""
    return conn.execute(_held, {"now": timestamp(now)}).first() is not None


def release(conn: Connection, holder: str) -> None:
    """Give up all leases of a holder, so that others need not wait until they expire."""
    conn.execute(_release, {"leaving": holder})
