"""Accounts and their password hashes."""

from datetime import datetime

from sqlalchemy import bindparam, func, insert, select, update

from agentserver_reference.domain.emails import email_key
from agentserver_reference.domain.errors import NotFound
from agentserver_reference.domain.passwords import RANDOM_PART
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
_hash = credentials.c.password_hash
_hash_costs = (
    select(func.substr(_hash, 1, func.length(_hash) - RANDOM_PART))
    .where(func.length(_hash) > RANDOM_PART)
    .distinct()
)
_any = select(users.c.sequence).limit(1)
_admins = select(users.c.id).where(users.c.role == "admin")
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


def hash_costs(conn: Connection) -> list[str]:
    """What stands before salt and hash in the stored hashes, each once: their costs."""
    return conn.execute(_hash_costs).scalars()


def list_all(conn: Connection) -> list[Record]:
    """Every account, oldest first: id, email, name, role, created_at."""
    return _all.all(conn)


def check_exists(conn: Connection, user_id: str) -> None:
    """Raise NotFound if there is no such account."""
    if find(conn, user_id) is None:
        raise NotFound("user not found")


def exist(conn: Connection) -> bool:
    """Whether there is any account."""
    return conn.execute(_any).first() is not None


def admins(conn: Connection) -> list[str]:
    """The ids of the administrators."""
    return conn.execute(_admins).scalars()


def add(
    conn: Connection, *, user_id: str, email: str, password_hash: str, role: str, now: datetime
) -> None:
    """Add an account with a password. Raises Conflict if the address is taken."""
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
    """Replace the hash of a password, for example by one of a higher cost."""
    conn.execute(_set_password, {"owner": user_id, "hash": password_hash})


def set_role(conn: Connection, user_id: str, role: str, now: datetime) -> bool:
    """Make an account `user` or `admin`; False if there is no such account."""
    values = {"user_id": user_id, "new_role": role, "now": timestamp(now)}
    return conn.execute(_set_role, values).rowcount > 0
