"""The key pair that signs the identities of executors."""

from datetime import datetime

from sqlalchemy import bindparam, insert, select

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import PLACE, signing_keys

COLUMN: str = signing_keys.c.private_key_encrypted.info[PLACE]
"""The place to which the cipher binds a private key, together with the key's id."""

_c = signing_keys.c
_find = select(_c.id, _c.private_key_encrypted).order_by(_c.created_at, _c.id).limit(1)
_add = insert(signing_keys).values(
    id=bindparam("key_id"),
    private_key_encrypted=bindparam("encrypted"),
    created_at=bindparam("now"),
)


def find(conn: Connection) -> tuple[str, str] | None:
    """The id of the key, and its private part, encrypted; None before there is one."""
    row = conn.execute(_find, {}).first()
    return None if row is None else (row[0], row[1])


def find_or_add(conn: Connection, key_id: str, encrypted: str, now: datetime) -> tuple[str, str]:
    """The key that there is, or this one; the installation is locked."""
    found = find(conn)
    if found is None:
        conn.execute(_add, {"key_id": key_id, "encrypted": encrypted, "now": timestamp(now)})
    return found or (key_id, encrypted)
