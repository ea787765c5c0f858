"""Those who have commands run on executors: the WebSockets that they have open."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, delete, insert, select, update

from agentserver_reference.domain.online import SILENCE
from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage import codex_tokens, executor_identities
from agentserver_reference.storage.engine import expiry
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import codex_tokens as tokens
from agentserver_reference.storage.tables import (
    executor_harnesses,
    executors,
    members,
)
from agentserver_reference.storage.tables import executor_identities as identities

_h, _e = executor_harnesses.c, executors.c
_add = insert(executor_harnesses)
_sockets: BindParameter[Any] = bindparam("sockets", expanding=True)
_connected = (
    select(_h.id)
    .join(executors, and_(_e.id == _h.executor_id, _e.socket_id == _h.executor_socket_id))
    .join(identities, identities.c.executor_id == _e.id)
    .join(tokens, tokens.c.id == _h.token_id)
    .join(members, codex_tokens.of_member)
    .where(
        _h.id.in_(_sockets),
        _e.last_seen_at > bindparam("silent"),
        executor_identities.is_valid,
        *codex_tokens.is_valid,
    )
)
_touch = update(executor_harnesses).where(_h.id.in_(_sockets)).values(last_seen_at=bindparam("now"))
_disconnect = delete(executor_harnesses).where(_h.id == bindparam("of_socket"))
_remove_silent = expiry.remove_expired(_h.id, _h.last_seen_at)


def add(
    conn: Connection,
    *,
    socket_id: str,
    executor_id: str,
    token_id: str,
    executor_socket_id: str,
    now: datetime,
) -> None:
    """Add a WebSocket to an executor, whose workspace is locked."""
    conn.execute(
        _add,
        {
            "id": socket_id,
            "executor_id": executor_id,
            "token_id": token_id,
            "executor_socket_id": executor_socket_id,
            "last_seen_at": timestamp(now),
        },
    )


def connected(conn: Connection, socket_ids: Collection[str], now: datetime) -> set[str]:
    """Those of these WebSockets that may remain open.

    Their token is valid, and their executor is, and still has the WebSocket that it had.
    """
    values = {
        "sockets": list(socket_ids),
        "now": timestamp(now),
        "silent": timestamp(now - SILENCE),
    }
    return set(conn.execute(_connected, values).scalars())


def touch(conn: Connection, socket_ids: Collection[str], now: datetime) -> None:
    """Write a sign of life down."""
    conn.execute(_touch, {"sockets": list(socket_ids), "now": timestamp(now)})


def disconnect(conn: Connection, socket_id: str, now: datetime) -> None:
    """Forget a WebSocket, which is closed."""
    conn.execute(_disconnect, {"of_socket": socket_id})


def remove_silent(conn: Connection, now: datetime, most: int) -> int:
    """Remove up to `most` WebSockets of servers that have died; how many they were."""
    values = {"now": timestamp(now - SILENCE), "most": most}
    return conn.execute(_remove_silent, values).rowcount
