"""What people have written to the bots of channels, until a day after it was delivered."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from agentserver_reference.domain.times import timestamp
from agentserver_reference.storage.engine import expiry
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record
from agentserver_reference.storage.tables import (
    im_channels,
    im_conversations,
    im_messages,
    sandbox_processes,
    sandboxes,
)

_h, _m, _v = im_channels.c, im_messages.c, im_conversations.c
_this_channel = _h.id == bindparam("of_channel")
_this = _m.id == bindparam("of_message")
_this_conversation = (_v.channel_id == bindparam("of_channel"), _v.user_id == bindparam("of_user"))
_waits = _m.delivered_at.is_(None)

_channels = Query(select(_h.id, _h.position).order_by(_h.sequence))
_channel = Query(
    select(
        *(_h.id, _h.workspace_id, _h.provider, _h.bot_id, _h.base_url, _h.token_encrypted),
        *(_h.cursor, _h.require_mention, _h.routing_mode),
    ).where(_this_channel)
)
_s, _p = sandboxes.c, sandbox_processes.c
_bound = Query(
    select(_s.id, _s.status, _s.type, _s.token_encrypted, _p.host, _p.port)
    .outerjoin(sandbox_processes, _p.sandbox_id == _s.id)
    .where(_s.im_channel_id == bindparam("of_channel"))
)
_of_sandbox = Query(
    select(_s.id, _s.type, _s.token_encrypted, _s.im_channel_id).where(
        _s.id == bindparam("of_sandbox")
    )
)
_move = (
    update(im_channels)
    .where(_this_channel, _h.cursor == bindparam("old"))
    .values(cursor=bindparam("new"))
)
_known = select(_m.id).where(
    _m.channel_id == bindparam("of_channel"), _m.message_id == bindparam("named")
)
_add = insert(im_messages)
_add_conversation = insert(im_conversations)
_meet = update(im_conversations).where(*_this_conversation).values(reply_to=bindparam("address"))
_conversation = Query(select(_v.thread_id, _v.reply_to).where(*_this_conversation))
_go_on = update(im_conversations).where(*_this_conversation).values(thread_id=bindparam("thread"))
_waiting = Query(select(_m.channel_id, _m.user_id).where(_waits).distinct())
_next = Query(
    select(
        *(_m.id, _m.message_id, _m.user_id, _m.sender, _m.sender_name, _m.text, _m.reply_to),
        *(_m.is_group, _m.received_at, _m.answer),
    )
    .where(_m.channel_id == bindparam("of_channel"), _m.user_id == bindparam("of_user"), _waits)
    .order_by(_m.sequence)
    .limit(1)
)
_answer = update(im_messages).where(_this).values(answer=bindparam("said"))
_deliver = update(im_messages).where(_this, _waits).values(delivered_at=bindparam("now"))
_remove_old = expiry.remove_expired(_m.sequence, _m.delivered_at)


def channels(conn: Connection) -> dict[str, int]:
    """Every channel, and the place that it got when its bot was connected last."""
    return {row["id"]: row["position"] for row in _channels.all(conn)}


def channel(conn: Connection, channel_id: str) -> Record | None:
    """A channel with its encrypted token and its cursor."""
    return _channel.first(conn, of_channel=channel_id)


def accept(
    conn: Connection,
    channel_id: str,
    cursors: tuple[str, str],
    messages: Iterable[Record],
    now: datetime,
) -> None:
    """Keep new messages and move the cursor, unless the cursor is no longer where it was.

    Arguments:
        conn: a connection in a transaction.
        channel_id: the channel; it may be gone.
        cursors: where the cursor was, and where it goes.
        messages: id, message_id, user_id, sender, sender_name, text, reply_to and is_group of each,
            the oldest first. One that is known already is left out.
        now: the time.
    """
    moved = {"of_channel": channel_id, "old": cursors[0], "new": cursors[1]}
    # The row of the channel stays locked, so that two processes do not keep one message twice.
    if conn.execute(_move, moved).rowcount == 0:
        return
    for message in messages:
        known = {"of_channel": channel_id, "named": message["message_id"]}
        if conn.execute(_known, known).first() is not None:
            continue
        conn.execute(_add, {**message, "channel_id": channel_id, "received_at": timestamp(now)})
        place = {"of_channel": channel_id, "of_user": message["user_id"]}
        met = conn.execute(_meet, {**place, "address": message["reply_to"]}).rowcount
        if not met:
            person = {"channel_id": channel_id, "user_id": message["user_id"]}
            conn.execute(_add_conversation, {**person, "reply_to": message["reply_to"]})


def waiting(conn: Connection) -> list[tuple[str, str]]:
    """The conversations in which something has to be delivered, as channel and user."""
    return [(row["channel_id"], row["user_id"]) for row in _waiting.all(conn)]


def following(conn: Connection, channel_id: str, user_id: str) -> Record | None:
    """The oldest message of a conversation that has to be delivered."""
    return _next.first(conn, of_channel=channel_id, of_user=user_id)


def conversation(conn: Connection, channel_id: str, user_id: str) -> Record | None:
    """The thread that a conversation goes on with, and where its answers go."""
    return _conversation.first(conn, of_channel=channel_id, of_user=user_id)


def go_on_with(conn: Connection, channel_id: str, user_id: str, thread_id: str | None) -> None:
    """Let a conversation go on with a thread; None: with a new one."""
    conn.execute(_go_on, {"of_channel": channel_id, "of_user": user_id, "thread": thread_id})


def bound_sandbox(conn: Connection, channel_id: str) -> Record | None:
    """The sandbox that a channel is bound to, and where its process listens."""
    return _bound.first(conn, of_channel=channel_id)


def sandbox(conn: Connection, sandbox_id: str) -> Record | None:
    """The channel of a sandbox, and its encrypted token."""
    return _of_sandbox.first(conn, of_sandbox=sandbox_id)


def answer(conn: Connection, message_id: str, text: str) -> None:
    """Note what is to be sent back."""
    conn.execute(_answer, {"of_message": message_id, "said": text})


def deliver(conn: Connection, message_id: str, now: datetime) -> None:
    """Note that there is nothing left to be done about a message."""
    conn.execute(_deliver, {"of_message": message_id, "now": timestamp(now)})


def remove_old(conn: Connection, before: datetime, most: int) -> int:
    """Remove what was delivered at this time or earlier; return how many, `most` at most."""
    return conn.execute(_remove_old, {"now": timestamp(before), "most": most}).rowcount
