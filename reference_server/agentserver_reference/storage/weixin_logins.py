"""The logins of WeChat bots that are under way, one a workspace."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import PLACE, weixin_logins

QRCODE_COLUMN: str = weixin_logins.c.qrcode_encrypted.info[PLACE]
"""The place to which the cipher binds what names a login, together with the login's id."""

_c = weixin_logins.c
_of_workspace = _c.workspace_id == bindparam("owner")
_this = (_of_workspace, _c.id == bindparam("login_id"))
_find = Query(
    select(_c.id, _c.qrcode_encrypted, _c.base_url).where(
        _of_workspace, _c.expires_at > bindparam("now")
    )
)
_clear = delete(weixin_logins).where(_of_workspace)
_add = insert(weixin_logins)
_end = Query(delete(weixin_logins).where(*_this).returning(_c.id))
_move = update(weixin_logins).where(*_this).values(base_url=bindparam("moved"))


def find(conn: Connection, workspace_id: str, now: datetime) -> Record | None:
    """id, qrcode_encrypted and base_url of the login of a workspace, if one is under way."""
    return _find.first(conn, owner=workspace_id, now=timestamp(now))


def begin(
    conn: Connection,
    workspace_id: str,
    *,
    login_id: str,
    qrcode_encrypted: str,
    expires_at: datetime,
) -> None:
    """Begin a login in a workspace, which is locked, in the place of another one."""
    conn.execute(_clear, {"owner": workspace_id})
    conn.execute(
        _add,
        {
            "workspace_id": workspace_id,
            "id": login_id,
            "qrcode_encrypted": qrcode_encrypted,
            "base_url": "",
            "expires_at": timestamp(expires_at),
        },
    )


def move(conn: Connection, workspace_id: str, login_id: str, base_url: str) -> None:
    """Write down where a login goes on."""
    conn.execute(_move, {"owner": workspace_id, "login_id": login_id, "moved": base_url})


def end(conn: Connection, workspace_id: str, login_id: str) -> bool:
    """End a login; whether it was under way."""
    return _end.first(conn, owner=workspace_id, login_id=login_id) is not None
