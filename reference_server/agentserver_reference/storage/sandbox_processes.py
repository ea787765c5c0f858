"""The processes of sandboxes: on which machine each is, and which server there runs it.

A server runs the process of a sandbox from the moment that it has claimed it until it has released
it. Only one can claim it: each statement compares first who runs it.
"""

from collections.abc import Collection

from sqlalchemy import (
    BindParameter,
    and_,
    bindparam,
    delete,
    null,
    select,
    text,
    update,
)

from agentserver_reference.domain.sandboxes import HELD
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import sandbox_processes, sandboxes

_c = sandbox_processes.c
_this = _c.sandbox_id == bindparam("of_sandbox")
_server: tuple[BindParameter[int], BindParameter[str]] = bindparam("by_id"), bindparam("by_started")
_run_by = and_(_this, _c.server_id == _server[0], _c.server_started == _server[1])
_nobody = {"server_id": null(), "server_started": null()}
_no_process = {"process_id": null(), "process_started": null(), "port": null()}
_columns = (*_c, sandboxes.c.status)
_joined = select(*_columns).outerjoin(sandboxes, sandboxes.c.id == _c.sandbox_id)

_find = Query(_joined.where(_this))
_of_host = Query(_joined.where(_c.host == bindparam("on_host")).order_by(_c.sandbox_id))
_held_without = (
    select(sandboxes.c.id, sandboxes.c.type)
    .outerjoin(sandbox_processes, sandboxes.c.id == _c.sandbox_id)
    .where(
        sandboxes.c.status.in_(sorted(HELD)),
        sandboxes.c.is_local.is_(False),
        _c.server_id.is_(None),
    )
)
_status = select(sandboxes.c.status).where(sandboxes.c.id == bindparam("of_sandbox"))
# Core has no such insert that both databases take, but they read it alike.
_claim = text("""
    INSERT INTO sandbox_processes (sandbox_id, host, server_id, server_started)
    VALUES (:of_sandbox, :on_host, :by_id, :by_started)
    ON CONFLICT (sandbox_id) DO UPDATE
    SET server_id = excluded.server_id, server_started = excluded.server_started
    WHERE sandbox_processes.host = excluded.host AND sandbox_processes.server_id IS NULL
    RETURNING sandbox_id
""")
_record = (
    update(sandbox_processes)
    .where(_run_by)
    .values(
        process_id=bindparam("number"), process_started=bindparam("started"), port=bindparam("on")
    )
)
_release = update(sandbox_processes).where(_run_by).values({**_no_process, **_nobody})
_remove = delete(sandbox_processes).where(_this, _c.server_id.is_(None))


def find(conn: Connection, sandbox_id: str) -> Record | None:
    """The process of a sandbox, and the state of the sandbox; None as state if it is deleted."""
    return _find.first(conn, of_sandbox=sandbox_id)


def list_of_host(conn: Connection, host: str) -> list[Record]:
    """The same of all sandboxes that a machine has."""
    return _of_host.all(conn, on_host=host)


def list_lost(conn: Connection, types: Collection[str]) -> list[str]:
    """The sandboxes of these types that should have a process, though no server runs one."""
    rows = conn.execute(_held_without).all()
    return [sandbox_id for sandbox_id, type_ in rows if type_ in types]


def claim(
    conn: Connection, sandbox_id: str, status: str, host: str, server: tuple[int, str]
) -> bool:
    """Let a server run the process of a sandbox that is in this state and that no server runs.

    Returns False if it cannot be had: the sandbox is in another state or deleted, another server
    runs it, or another machine has its data.
    """
    of = {"of_sandbox": sandbox_id}
    if conn.execute(_status, of).scalar_one_or_none() != status:
        return False
    return conn.execute(_claim, {**of, "on_host": host, **_bound(server)}).first() is not None


def record(
    conn: Connection,
    sandbox_id: str,
    server: tuple[int, str],
    process: tuple[int, str],
    port: int | None = None,
) -> bool:
    """Write down the process that a server has made for a sandbox that it has claimed."""
    values = {"of_sandbox": sandbox_id, "number": process[0], "started": process[1], "on": port}
    return conn.execute(_record, values | _bound(server)).rowcount > 0


def release(conn: Connection, sandbox_id: str, server: tuple[int, str]) -> None:
    """Write down that a server no longer runs a process for a sandbox."""
    conn.execute(_release, {"of_sandbox": sandbox_id, **_bound(server)})


def remove(conn: Connection, sandbox_id: str) -> None:
    """Forget the machine of a sandbox that no server runs."""
    conn.execute(_remove, {"of_sandbox": sandbox_id})


def _bound(server: tuple[int, str]) -> dict[str, object]:
    return {"by_id": server[0], "by_started": server[1]}
