"""The delivery of messages: from a bot's service to a turn, and its answer back.

A message is kept in the transaction that moves the cursor of its channel, so that it is neither
lost nor kept twice, whenever a process dies. Its turn has a key, so that it is started once. Its
answer is sent until the service has taken it, with a key too.
"""

from __future__ import annotations

from agentserver_reference.domain import im_messages as domain
from agentserver_reference.domain.errors import BadRequest
from agentserver_reference.gateways.im.service import Message
from agentserver_reference.services import turns
from agentserver_reference.services.im_sandboxes import NotYet, credentials_of, hand_over
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import im_messages
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Record
from agentserver_reference.storage.locks import Lock

BATCH = 100
"""How many messages are removed at a time."""


async def channels(work: UnitOfWork) -> dict[str, int]:
    """Return all channels; another number means that a bot was connected anew."""
    return await work.read(im_messages.channels)


async def waiting(work: UnitOfWork) -> list[tuple[str, str]]:
    """Return the conversations in which something has to be delivered, as channel and user."""
    return await work.read(im_messages.waiting)


async def receive(work: UnitOfWork, channel_id: str) -> set[str] | None:
    """Await messages once, and keep them.

    Raises OutsideError.

    Returns:
        Who has written; None if there is no such channel any more.
    """
    channel = await work.read(im_messages.channel, channel_id)
    if channel is None:
        return None
    cursor, service = channel["cursor"], work.context.im.of(channel["provider"])
    batch = await service.receive(credentials_of(work, channel), cursor)
    if batch.cursor == cursor and not batch.messages:
        return set()
    kept = [
        _kept(work, message)
        for message in batch.messages
        if domain.is_wanted(
            channel["routing_mode"],
            require_mention=channel["require_mention"],
            is_group=message.is_group,
            mentioned=message.mentioned,
        )
    ]
    now = work.context.clock()
    await work.write(Lock(), im_messages.accept, channel_id, (cursor, batch.cursor), kept, now)
    return {message["user_id"] for message in kept}


def _kept(work: UnitOfWork, message: Message) -> Record:
    """Return what is kept of a message. A database takes no NUL in a text."""
    names = ("user_id", "sender", "sender_name", "text", "reply_to")
    cleaned = {name: getattr(message, name).replace("\0", "") for name in names}
    own = {"id": work.context.ids(), "message_id": message.id, "is_group": message.is_group}
    return {**own, **cleaned}


async def deliver_next(work: UnitOfWork, channel_id: str, user_id: str) -> bool:
    """Deliver the oldest message of a conversation; whether there was one.

    Raises OutsideError, NotYet and Refusal: it has to be tried again.
    """
    channel, message = await work.read(_following, channel_id, user_id)
    if channel is None or message is None:
        return False
    if message["answer"] is None and channel["routing_mode"] == domain.NANOCLAW:
        await hand_over(work, channel, message)
    elif message["answer"] is None:
        message |= {"answer": await _answer(work, channel, message)}
    if message["answer"]:  # codex may have nothing to say
        service = work.context.im.of(channel["provider"])
        credentials = credentials_of(work, channel)
        await service.send(credentials, message["reply_to"], message["answer"], key=message["id"])
    await work.write(Lock(), im_messages.deliver, message["id"], work.context.clock())
    return True


async def give_up_next(work: UnitOfWork, channel_id: str, user_id: str) -> bool:
    """Do nothing more about the oldest message of a conversation; whether there was one."""
    _, message = await work.read(_following, channel_id, user_id)
    if message is None:
        return False
    await work.write(Lock(), im_messages.deliver, message["id"], work.context.clock())
    return True


def _following(
    conn: Connection, channel_id: str, user_id: str
) -> tuple[Record | None, Record | None]:
    channel = im_messages.channel(conn, channel_id)
    return channel, im_messages.following(conn, channel_id, user_id)


async def _answer(work: UnitOfWork, channel: Record, message: Record) -> str:
    """Run the turn of a message, or await the one that it has started, and keep the answer."""
    place = (channel["id"], message["user_id"])
    conversation = await work.read(im_messages.conversation, *place)
    thread_id = None if conversation is None else conversation["thread_id"]
    body = {
        "workspaceId": channel["workspace_id"],
        **({} if thread_id is None else {"threadId": thread_id}),
        "params": {"input": [{"type": "text", "text": message["text"]}]},
    }
    key = domain.key_of(channel["id"], message["message_id"])
    try:
        ended = await turns.submit(work, body, user_id=None, key=key, request_id=message["id"])
    except BadRequest:
        if thread_id is None:
            raise
        await work.write(Lock(), im_messages.go_on_with, *place, None)
        raise NotYet from None  # the thread is gone: the next attempt begins one
    text, thread_id = domain.reply(ended)

    def keep(conn: Connection) -> None:
        im_messages.answer(conn, message["id"], text)
        im_messages.go_on_with(conn, *place, thread_id)

    await work.write(Lock(), keep)
    return text


async def remove_old(work: UnitOfWork) -> int:
    """Remove what was delivered so long ago that no turn has its key. Returns how many."""
    before = work.context.clock() - domain.KEPT
    removed = 0
    while batch := await work.write(Lock(), im_messages.remove_old, before, BATCH):
        removed += batch
    return removed
