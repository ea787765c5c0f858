"""Messages to what runs in the sandbox of a channel, and its answers."""

from __future__ import annotations

from agentserver_reference.domain.errors import BadGateway, NotFound, Unauthenticated
from agentserver_reference.domain.sandboxes import RUNNING
from agentserver_reference.domain.tokens import bridge_secret, is_same
from agentserver_reference.gateways.failures import OutsideError
from agentserver_reference.gateways.im.service import Credentials
from agentserver_reference.sandbox_backends.environment import BRIDGED
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.storage import im_channels, im_messages, sandboxes
from agentserver_reference.storage.engine.query import Record

UNKNOWN_PERSON = "this person has not written to the channel"
NOT_TAKEN = "the service has not taken the message"


class NotYet(Exception):
    """A message cannot be delivered now."""


def credentials_of(work: UnitOfWork, channel: Record) -> Credentials:
    """Return how the bot of a channel is known to its service."""
    token = work.context.cipher.decrypt(
        channel["token_encrypted"], row=channel["id"], column=im_channels.TOKEN_COLUMN
    )
    return Credentials(channel["base_url"], token, channel["bot_id"])


async def hand_over(work: UnitOfWork, channel: Record, message: Record) -> None:
    """Bring a message to the sandbox of its channel.

    Raises:
        NotYet: none runs on this machine.
        OutsideError: it has not taken the message.
    """
    context = work.context
    sandbox = await work.read(im_messages.bound_sandbox, channel["id"])
    if (
        sandbox is None
        or (sandbox["type"], sandbox["status"]) != (BRIDGED, RUNNING)
        or sandbox["host"] != context.settings.sandbox_host
        or sandbox["port"] is None
    ):
        raise NotYet
    sent = {
        "id": message["id"],
        "chat_jid": message["user_id"],
        "sender": message["sender"],
        "sender_name": message["sender_name"],
        "content": message["text"],
        "timestamp": message["received_at"],
        "provider": channel["provider"],
        "is_group": message["is_group"],
    }
    secret = _secret(work, sandbox)
    await context.im_bridge.hand_over(sandbox["port"], secret, sent, message["sender_name"])


async def channel_of(work: UnitOfWork, sandbox_id: str, secret: str) -> Record:
    """Return the channel of a sandbox that knows its secret.

    Raises Unauthenticated, and NotFound if it has no channel.
    """
    sandbox = await work.read(im_messages.sandbox, sandbox_id)
    if (
        sandbox is None
        or sandbox["type"] != BRIDGED
        or sandbox["token_encrypted"] is None
        or not is_same(_secret(work, sandbox), secret)
    ):
        raise Unauthenticated("unauthorized")
    channel_id = sandbox["im_channel_id"]
    channel = channel_id and await work.read(im_messages.channel, channel_id)
    if not channel:
        raise NotFound("no channel is bound to this sandbox")
    found: Record = channel
    return found


async def send(work: UnitOfWork, channel: Record, user_id: str, text: str) -> None:
    """Send a text to a person who has written. Raises NotFound and BadGateway."""
    conversation = await work.read(im_messages.conversation, channel["id"], user_id)
    if conversation is None:
        raise NotFound(UNKNOWN_PERSON)
    service = work.context.im.of(channel["provider"])
    try:
        await service.send(
            credentials_of(work, channel),
            conversation["reply_to"],
            text,
            key=work.context.ids(),
        )
    except OutsideError:
        raise BadGateway(NOT_TAKEN) from None


def _secret(work: UnitOfWork, sandbox: Record) -> str:
    token = work.context.cipher.decrypt(
        sandbox["token_encrypted"], row=sandbox["id"], column=sandboxes.TOKEN_COLUMN
    )
    return bridge_secret(token)
