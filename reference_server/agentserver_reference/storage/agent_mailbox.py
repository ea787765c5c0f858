"""Messages between agents. One that was read stays, marked as such."""

from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.sandboxes import has_valid_tokens
from agentserver_reference.storage.tables import agent_mailbox

_c = agent_mailbox.c
_unread = (_c.to_id == bindparam("recipient"), _c.read_at.is_(None))
_any_unread = select(_c.sequence).where(*_unread).limit(1)
_taken = (
    select(_c.sequence)
    .where(*_unread, has_valid_tokens("recipient"))
    .order_by(_c.sequence)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("taken")
)
_take = Query(
    update(agent_mailbox)
    .where(_c.sequence.in_(select(_taken.c.sequence)))
    .values(read_at=bindparam("now"))
    .returning(_c.sequence, _c.id, _c.from_id.label("from"), _c.text, _c.msg_type, _c.created_at)
)
_add = insert(agent_mailbox)


def add(
    conn: Connection,
    *,
    message_id: str,
    workspace_id: str,
    sender: str,
    recipient: str,
    text: str,
    msg_type: str,
    now: datetime,
) -> None:
    """Add a message from one sandbox to another."""
    conn.execute(
        _add,
        {
            "id": message_id,
            "workspace_id": workspace_id,
            "from_id": sender,
            "to_id": recipient,
            "text": text,
            "msg_type": msg_type,
            "created_at": timestamp(now),
        },
    )


def has_unread(conn: Connection, sandbox_id: str) -> bool:
    """Whether there are messages that the agent of a sandbox has not read."""
    return conn.execute(_any_unread, {"recipient": sandbox_id}).first() is not None


def take(conn: Connection, sandbox_id: str, most: int, now: datetime) -> list[Record]:
    """Read the oldest messages to the agent of a sandbox, in one statement; oldest first.

    Those that another call reads at the same time are skipped, and an agent whose tokens have ended
    since the call was authorised gets none.
    """
    taken = _take.all(conn, recipient=sandbox_id, most=most, now=timestamp(now))
    taken.sort(key=lambda row: int(row["sequence"]))
    return [{name: value for name, value in row.items() if name != "sequence"} for row in taken]
