"""Accounts and their password hashes."""

from datetime import datetime

from sqlalchemy import bindparam, insert, or_, select, update

from agentserver_reference.domain.emails import email_key
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.violations import unique
from agentserver_reference.storage.tables import credentials, users

_by_id = Query(
    select(users.c.id, users.c.email, users.c.name, users.c.picture, users.c.role).where(
        users.c.id == bindparam("user_id")
    )
)
_by_email = Query(
    select(users.c.id, users.c.email, users.c.picture).where(
        users.c.email_key == bindparam("email_key")
    )
)
_credential = Query(
    select(users.c.id, credentials.c.password_hash)
    .join(credentials, credentials.c.user_id == users.c.id)
    .where(users.c.email_key == bindparam("email_key"))
)
_all = Query(
    select(users.c.id, users.c.email, users.c.name, users.c.role, users.c.created_at).order_by(
        users.c.created_at, users.c.sequence
    )
)
_any = select(users.c.sequence).limit(1)
_lock = select(users.c.id).where(users.c.id == bindparam("user_id")).with_for_update()
_lock_with_admins = (
    select(users.c.id, users.c.role)
    .where(or_(users.c.role == "admin", users.c.id == bindparam("user_id")))
    .order_by(users.c.sequence)
    .with_for_update()
)
_add = insert(users)
_add_credential = insert(credentials)
_set_password = (
    update(credentials)
    .where(credentials.c.user_id == bindparam("owner"))
    .values(password_hash=bindparam("hash"))
)
_set_role = (
    update(users)
    .where(users.c.id == bindparam("user_id"))
    .values(role=bindparam("new_role"), updated_at=bindparam("now"))
)


def find(conn: Connection, user_id: str) -> Record | None:
    """id, email, name, picture and role of an account."""
    return _by_id.first(conn, user_id=user_id)


def find_by_email(conn: Connection, email: str) -> Record | None:
    """id, email and picture of the account with this address, however it is written."""
    return _by_email.first(conn, email_key=email_key(email))


def find_credential(conn: Connection, email: str) -> Record | None:
    """id and password_hash of the account with this address, if it has a password."""
    return _credential.first(conn, email_key=email_key(email))


def list_all(conn: Connection) -> list[Record]:
    """Every account, oldest first: id, email, name, role, created_at."""
    return _all.all(conn)


def exist(conn: Connection) -> bool:
    """Whether there is any account."""
    return conn.execute(_any).first() is not None


def lock(conn: Connection, user_id: str) -> bool:
    """Keep other transactions off this account until this one ends; False where there is none."""
    return conn.execute(_lock, {"user_id": user_id}).first() is not None


def lock_with_admins(conn: Connection, user_id: str) -> dict[str, str]:
    """Roles by id, of this account and all administrators; none changes until this one ends.

    All are held by one statement and in one order: of two that each held what the other waits for,
    the database would have to end one.
    """
    return dict(conn.execute(_lock_with_admins, {"user_id": user_id}).all())


def add(
    conn: Connection, *, user_id: str, email: str, password_hash: str, role: str, now: datetime
) -> None:
    """Add an account with a password. Raises Conflict where the address is taken."""
    moment = timestamp(now)
    with unique("email already taken"):
        conn.execute(
            _add,
            {
                "id": user_id,
                "email": email,
                "email_key": email_key(email),
                "name": None,
                "picture": None,
                "role": role,
                "created_at": moment,
                "updated_at": moment,
            },
        )
    conn.execute(_add_credential, {"user_id": user_id, "password_hash": password_hash})


def set_password_hash(conn: Connection, user_id: str, password_hash: str) -> None:
    """Replace the hash of a password, such as by one of another cost."""
    conn.execute(_set_password, {"owner": user_id, "hash": password_hash})


def set_role(conn: Connection, user_id: str, role: str, now: datetime) -> None:
    """Make an account `user` or `admin`."""
    conn.execute(_set_role, {"user_id": user_id, "new_role": role, "now": timestamp(now)})
