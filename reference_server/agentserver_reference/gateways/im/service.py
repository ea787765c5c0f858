"""The interface of the services that carry messages between people and bots.

What a service says of a failure is never passed on: it may hold the bot's token.
"""

from __future__ import annotations

from typing import Protocol

import attrs


@attrs.frozen
class Credentials:
    """How a bot is known to a service."""

    base_url: str
    """The address of the service; empty where it is the operator's own choice."""
    token: str = attrs.field(repr=False)
    bot_id: str = ""
    """What `identify` says; empty before it is known."""


@attrs.frozen
class Message:
    """What a person has written to a bot."""

    id: str
    """No other message to this bot has it."""
    user_id: str
    """The person or, in a group, the room: who belongs to one conversation."""
    sender: str
    """The person who has written it, as the service knows them."""
    sender_name: str
    text: str
    is_group: bool = False
    mentioned: bool = False
    """Whether the text speaks to the bot by its name."""
    reply_to: str = ""
    """Where an answer goes, as `send` takes it."""


@attrs.frozen
class Batch:
    """What one poll has brought."""

    messages: tuple[Message, ...]
    """The oldest first."""
    cursor: str
    """Where the next poll goes on. An older one gets the messages again."""


class Service(Protocol):
    """Each method raises OutsideError, or ServiceUnavailable where the service cannot be used."""

    async def identify(self, credentials: Credentials, /) -> str:
        """Return the bot's name in the service, its `bot_id`."""
        ...

    async def receive(self, credentials: Credentials, cursor: str, /) -> Batch:
        """Await messages for half a minute at most; there may be none.

        An empty cursor begins anew.
        """
        ...

    async def send(self, credentials: Credentials, to: str, text: str, /, *, key: str) -> None:
        """Send a text. Where the service knows keys, it takes one only once.

        Arguments:
            credentials: the bot that sends it.
            to: what a message's `reply_to` says.
            text: the text.
            key: stands for this text.
        """
        ...


@attrs.frozen
class Started:
    """A login by QR code has begun."""

    qrcode: str
    """Names the login to `poll`."""
    image_url: str
    """What the QR code holds."""


@attrs.frozen
class Polled:
    """How far a login is."""

    status: str
    token: str = attrs.field(default="", repr=False)
    bot_id: str = ""
    base_url: str = ""
    user_id: str = ""
    redirect_host: str = ""


class WeixinLogin(Protocol):
    """Logs a bot in to WeChat. Each method raises OutsideError."""

    async def start(self) -> Started:
        """Begin a login."""
        ...

    async def poll(self, base_url: str, qrcode: str, /) -> Polled:
        """Await news of a login for half a minute at most.

        Arguments:
            base_url: where the login takes place; empty where it has begun.
            qrcode: names it.
        """
        ...
