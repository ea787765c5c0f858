"""Logins with OpenID Connect that a person has to approve, before a credential is kept.

They stay known for a while after they have expired. Each time at which the provider may be asked is
taken in one statement, by one caller, in whatever process.
"""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from agentserver_reference.domain.credentials import GRANTED, KEPT_AFTER_EXPIRY, PENDING, REFUSED
from agentserver_reference.domain.times import precise_timestamp, timestamp
from agentserver_reference.storage.engine import expiry
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import PLACE, credential_logins

SECRET_COLUMN: str = credential_logins.c.secret_encrypted.info[PLACE]
"""The place to which the cipher binds the secret, together with the login's id."""

_c = credential_logins.c
_this = _c.id == bindparam("login_id")
_find = Query(
    select(credential_logins).where(
        _this, _c.workspace_id == bindparam("owner"), _c.kind == bindparam("of_kind")
    )
)
_add = insert(credential_logins)
_take_poll = (
    update(credential_logins)
    .where(_this, _c.state == PENDING, _c.poll_after <= bindparam("now"))
    .values(poll_after=bindparam("until"))
)
_set_poll = (
    update(credential_logins)
    .where(_this)
    .values(poll_after=bindparam("next"), poll_interval=bindparam("seconds"))
)
# Tokens are given once: who asks the provider after that is refused, which then counts no more.
_grant = (
    update(credential_logins)
    .where(_this, _c.state.in_([PENDING, REFUSED]))
    .values(state=GRANTED, secret_encrypted=bindparam("secret"))
)
_refuse = update(credential_logins).where(_this, _c.state == PENDING).values(state=REFUSED)
_remove = delete(credential_logins).where(_this)
_remove_expired = expiry.remove_expired(_c.id, _c.expires_at)


def add(
    conn: Connection,
    workspace_id: str,
    kind: str,
    *,
    shown: Record,
    secret_encrypted: str,
    poll_interval: int,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Keep a login: `shown` has the id, and what is known of the credential."""
    conn.execute(
        _add,
        {
            **shown,
            "workspace_id": workspace_id,
            "kind": kind,
            "secret_encrypted": secret_encrypted,
            "state": PENDING,
            "poll_interval": poll_interval,
            "poll_after": precise_timestamp(now + timedelta(seconds=poll_interval)),
            "expires_at": timestamp(expires_at),
            "created_at": timestamp(now),
        },
    )


def find(conn: Connection, workspace_id: str, kind: str, login_id: str) -> Record | None:
    """A login, whatever became of it; None if the workspace has none of this kind and id."""
    return _find.first(conn, owner=workspace_id, of_kind=kind, login_id=login_id)


def take_poll(conn: Connection, login_id: str, now: datetime, until: datetime) -> bool:
    """Whether the caller may ask the provider now; no other process does `until` then."""
    values = {
        "login_id": login_id,
        "now": precise_timestamp(now),
        "until": precise_timestamp(until),
    }
    return conn.execute(_take_poll, values).rowcount == 1


def set_poll(conn: Connection, login_id: str, seconds: int, now: datetime) -> None:
    """Let the provider be asked every so many seconds, from now on."""
    after = precise_timestamp(now + timedelta(seconds=seconds))
    conn.execute(_set_poll, {"login_id": login_id, "seconds": seconds, "next": after})


def grant(conn: Connection, login_id: str, secret_encrypted: str) -> None:
    """Note that a login is approved, and with what."""
    conn.execute(_grant, {"login_id": login_id, "secret": secret_encrypted})


def refuse(conn: Connection, login_id: str) -> None:
    """Note that a login is refused."""
    conn.execute(_refuse, {"login_id": login_id})


def remove(conn: Connection, login_id: str) -> None:
    """Remove a login, of which a credential was made."""
    conn.execute(_remove, {"login_id": login_id})


def remove_expired(conn: Connection, now: datetime, most: int) -> int:
    """Remove up to `most` logins that expired long ago, the oldest first; how many it did."""
    long_ago = timestamp(now - KEPT_AFTER_EXPIRY)
    return conn.execute(_remove_expired, {"now": long_ago, "most": most}).rowcount
