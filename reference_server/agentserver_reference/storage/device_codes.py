"""Device codes: requests of programs to be signed in, which a person approves or denies.

A state changes in one statement that compares it first, so that each code is decided once and
redeemed once, also if several processes are asked at the same time.
"""

from datetime import datetime

from sqlalchemy import bindparam, func, insert, select, update

from agentserver_reference.domain.oauth import APPROVED, CHANGES, DENIED, PENDING, REDEEMED
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine import expiry
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.violations import unique
from agentserver_reference.storage.tables import device_codes

_c = device_codes.c
_whole = tuple(_c)
_by_device_code = Query(select(*_whole).where(_c.device_code_hash == bindparam("hashed")))
_by_user_code = Query(select(*_whole).where(_c.user_code_hash == bindparam("hashed")))
_pending = select(func.count()).where(_c.status == PENDING, _c.expires_at > bindparam("now"))
_add = insert(device_codes)
_polled = (
    update(device_codes)
    .where(_c.device_code_hash == bindparam("hashed"))
    .values(polled_at=bindparam("now"), poll_interval=bindparam("seconds"))
)


def _leading_to(state: str) -> list[str]:
    return [source for source, targets in CHANGES.items() if state in targets]


_decide = {
    state: update(device_codes)
    .where(
        _c.user_code_hash == bindparam("hashed"),
        _c.status.in_(_leading_to(state)),
        _c.expires_at > bindparam("now"),
    )
    .values(status=state, user_id=bindparam("by_user"), workspace_id=bindparam("for_workspace"))
    for state in (APPROVED, DENIED)
}
_redeem = (
    update(device_codes)
    .where(
        _c.device_code_hash == bindparam("hashed"),
        _c.status.in_(_leading_to(REDEEMED)),
        _c.expires_at > bindparam("now"),
    )
    .values(status=REDEEMED)
)
_remove_expired = expiry.remove_expired(_c.device_code_hash, _c.expires_at)


def add(
    conn: Connection,
    *,
    device_code_hash: str,
    user_code_hash: str,
    client_id: str,
    scope: str,
    poll_interval: int,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep a request. Raises Conflict if another one has the same user code."""
    with unique("user code taken"):
        conn.execute(
            _add,
            {
                "device_code_hash": device_code_hash,
                "user_code_hash": user_code_hash,
                "client_id": client_id,
                "scope": scope,
                "status": PENDING,
                "poll_interval": poll_interval,
                "created_at": timestamp(now),
                "expires_at": timestamp(expires_at),
            },
        )


def count_pending(conn: Connection, now: datetime) -> int:
    """How many requests are not decided yet."""
    return conn.execute(_pending, {"now": timestamp(now)}).scalar_one()


def find_by_device_code(conn: Connection, hashed: str) -> Record | None:
    """The request that a program asks about, whatever became of it."""
    return _by_device_code.first(conn, hashed=hashed)


def find_by_user_code(conn: Connection, hashed: str) -> Record | None:
    """The request that a person is asked about, whatever became of it."""
    return _by_user_code.first(conn, hashed=hashed)


def polled(conn: Connection, device_code_hash: str, poll_interval: int, now: datetime) -> None:
    """Note that its program has asked, and how long it must wait from now on."""
    values = {"hashed": device_code_hash, "seconds": poll_interval, "now": timestamp(now)}
    conn.execute(_polled, values)


def decide(
    conn: Connection,
    user_code_hash: str,
    state: str,
    *,
    user_id: str,
    workspace_id: str | None,
    now: datetime,
) -> bool:
    """Approve or deny a request; False if it is decided already, or has expired."""
    values = {
        "hashed": user_code_hash,
        "by_user": user_id,
        "for_workspace": workspace_id,
        "now": timestamp(now),
    }
    return conn.execute(_decide[state], values).rowcount > 0


def redeem(conn: Connection, device_code_hash: str, now: datetime) -> bool:
    """Use an approved code up; False if it is not approved, used up already, or has expired."""
    return conn.execute(_redeem, {"hashed": device_code_hash, "now": timestamp(now)}).rowcount > 0


def remove_expired(conn: Connection, now: datetime, most: int) -> int:
    """Remove up to `most` requests that have expired, the oldest first; how many it did."""
    return conn.execute(_remove_expired, {"now": timestamp(now), "most": most}).rowcount
