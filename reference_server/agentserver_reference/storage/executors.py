"""The executors of the embedded gateway, and the WebSockets by which they are connected."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, func, insert, null, select, update

from agentserver_reference.domain.executors import NAME_TAKEN
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.engine.violations import unique
from agentserver_reference.storage.executor_identities import is_valid
from agentserver_reference.storage.tables import executor_identities, executors

_c, _i = executors.c, executor_identities.c
_this = _c.id == bindparam("of_executor")
_now: BindParameter[str] = bindparam("now")
_of_workspace = Query(
    select(
        _c.id.label("exe_id"),
        _c.name,
        _c.description,
        _c.socket_id,
        _c.client_ip,
        _c.client_ua,
        _c.codex_version,
        _c.os,
        _c.last_seen_at,
        _c.connected_at,
        _c.disconnected_at,
    )
    .where(_c.workspace_id == bindparam("of_workspace"))
    .order_by(_c.sequence)
)
_add = insert(executors)
_remove = delete(executors).where(_this, _c.workspace_id == bindparam("of_workspace"))
_CLIENT = ("client_ip", "client_ua", "codex_version", "os")
_note_client = (
    update(executors)
    .where(_this)
    .values({name: func.coalesce(bindparam(f"new_{name}"), _c[name]) for name in _CLIENT})
)
_connect = (
    update(executors)
    .where(_this)
    .values(
        socket_id=bindparam("new_socket"),
        registration=bindparam("new_registration"),
        last_seen_at=_now,
        connected_at=_now,
        disconnected_at=null(),
    )
)
_disconnect = (
    update(executors)
    .where(_c.socket_id == bindparam("of_socket"))
    .values(socket_id=null(), disconnected_at=_now)
)
_connection = Query(
    select(_c.socket_id, _c.last_seen_at, _c.registration)
    .join(executor_identities, _i.executor_id == _c.id)
    .where(_this, _c.workspace_id == bindparam("of_workspace"), is_valid)
)
_sockets: BindParameter[Any] = bindparam("sockets", expanding=True)
_connected = (
    select(_c.socket_id)
    .join(executor_identities, _i.executor_id == _c.id)
    .where(_c.socket_id.in_(_sockets), is_valid)
)
_touch = (
    update(executors)
    .where(
        _c.id.in_(select(_c.id).where(_c.socket_id.in_(_sockets)).with_for_update(skip_locked=True))
    )
    .values(last_seen_at=_now)
)


def list_of(conn: Connection, workspace_id: str) -> list[Record]:
    """The executors of a workspace, the oldest first."""
    return _of_workspace.all(conn, of_workspace=workspace_id)


def add(
    conn: Connection,
    *,
    executor_id: str,
    workspace_id: str,
    name: str,
    description: str,
    now: datetime,
) -> None:
    """Add an executor to a workspace, which is locked. Raises Conflict if its name is taken."""
    with unique(NAME_TAKEN):
        conn.execute(
            _add,
            {
                "id": executor_id,
                "workspace_id": workspace_id,
                "name": name,
                "description": description,
                "created_at": timestamp(now),
            },
        )


def remove(conn: Connection, workspace_id: str, executor_id: str) -> None:
    """Remove an executor from this workspace, which is locked, if it has it."""
    conn.execute(_remove, {"of_workspace": workspace_id, "of_executor": executor_id})


def note_client(conn: Connection, executor_id: str, client: Record) -> None:
    """Note what is known of the machine; what is not known remains."""
    values = {f"new_{name}": client.get(name) for name in _CLIENT}
    conn.execute(_note_client, values | {"of_executor": executor_id})


def connect(
    conn: Connection, executor_id: str, socket_id: str, registration: str | None, now: datetime
) -> None:
    """Note that an executor is connected by this WebSocket, and by no other."""
    values = {
        "of_executor": executor_id,
        "new_socket": socket_id,
        "new_registration": registration,
        "now": timestamp(now),
    }
    conn.execute(_connect, values)


def connection_of(
    conn: Connection, workspace_id: str, executor_id: str, now: datetime
) -> Record | None:
    """socket_id, last_seen_at and registration of an executor of this workspace.

    None if it has none with a valid identity.
    """
    return _connection.first(
        conn, of_executor=executor_id, of_workspace=workspace_id, now=timestamp(now)
    )


def disconnect(conn: Connection, socket_id: str, now: datetime) -> None:
    """Note that a WebSocket is closed, unless the executor has another."""
    conn.execute(_disconnect, {"of_socket": socket_id, "now": timestamp(now)})


def connected(conn: Connection, socket_ids: Collection[str], now: datetime) -> set[str]:
    """Those of these WebSockets that may remain open."""
    values = {"sockets": list(socket_ids), "now": timestamp(now)}
    return set(conn.execute(_connected, values).scalars())


def touch(conn: Connection, socket_ids: Collection[str], now: datetime) -> None:
    """Write a sign of life down. It waits for no executor that another transaction has locked."""
    conn.execute(_touch, {"sockets": list(socket_ids), "now": timestamp(now)})
