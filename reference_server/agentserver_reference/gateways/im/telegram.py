"""Telegram, by python-telegram-bot, which is imported when it is needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Collection
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import httpx

from agentserver_reference.gateways.failures import (
    CredentialRefused,
    NotUnderstood,
    OutsideError,
    RateLimited,
    Unreachable,
    pause_of,
)
from agentserver_reference.gateways.im.limits import (
    POLL,
    POLL_TIMEOUT,
    SEND_TIMEOUT,
    TIMEOUT,
    parts,
)
from agentserver_reference.gateways.im.service import Batch, Credentials, Message

if TYPE_CHECKING:
    from telegram import Bot, Update
    from telegram import Message as TelegramMessage

T = TypeVar("T")

logging.getLogger("telegram").setLevel(logging.CRITICAL)
"""It logs what the service says, which is never passed on."""

_PLACEHOLDER = "token"
_PAUSE_AFTER_REFUSAL = 24 * 3600.0
"""Seconds. A revoked token never becomes valid again; a new one begins anew at once."""
_REFUSALS_TO_SEND = (httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND)
"""The last one is said of a token that no bot can have."""
_REFUSALS = (*_REFUSALS_TO_SEND, httpx.codes.FORBIDDEN)
"""Who sends is also forbidden to write to a person that wants no more of it."""
_GROUPS = ("group", "supergroup")
_WIDE = "\uffff"
"""Characters after this one count as two."""


class Telegram:
    """See Service. The bot's token is part of every URL; see `_WithToken`."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._network = httpx.AsyncHTTPTransport(limits=unlimited, trust_env=False)

    async def identify(self, credentials: Credentials) -> str:
        """See Service: the bot's username, otherwise its number."""
        bot, transport = self._bot(credentials)
        me = await _asked(bot.get_me(), transport, TIMEOUT)
        return me.username or str(me.id)

    async def receive(self, credentials: Credentials, cursor: str) -> Batch:
        """See Service. The cursor is the number of the next update."""
        bot, transport = self._bot(credentials)
        updates = await _asked(
            bot.get_updates(
                offset=int(cursor) if cursor else None,
                timeout=timedelta(seconds=POLL),
                allowed_updates=["message"],
            ),
            transport,
            POLL_TIMEOUT,
        )
        following = str(max(each.update_id for each in updates) + 1) if updates else cursor
        found = (_message(each, credentials.bot_id) for each in updates)
        return Batch(tuple(each for each in found if each is not None), following)

    async def send(self, credentials: Credentials, to: str, text: str, *, key: str) -> None:
        """See Service. Telegram knows no keys: a repeated text is sent again."""
        bot, transport = self._bot(credentials)
        transport.refusals = _REFUSALS_TO_SEND
        for part in parts(text, 2048 if max(text, default="") > _WIDE else 4096):
            await _asked(bot.send_message(to, part), transport, SEND_TIMEOUT)

    async def close(self) -> None:
        """Close the connections."""
        await self._network.aclose()

    def _bot(self, credentials: Credentials) -> tuple[Bot, _WithToken]:
        from telegram import Bot
        from telegram.request import HTTPXRequest

        transport = _WithToken(self._network, credentials.token)
        request = HTTPXRequest(
            read_timeout=POLL_TIMEOUT,
            httpx_kwargs={"transport": transport, "trust_env": False},
        )
        bot = Bot(
            _PLACEHOLDER,
            base_url=f"{self._base_url}/bot",
            request=request,
            get_updates_request=request,
        )
        return bot, transport


class _WithToken(httpx.AsyncBaseTransport):
    """Puts the token into the URL as the last thing before it is sent.

    So no log line, no error and no `repr` of the libraries above can show it.
    """

    def __init__(self, network: httpx.AsyncBaseTransport, token: str) -> None:
        self._network = network
        self._path = f"/bot{quote(token, safe=':')}/".encode()
        self.refusals: Collection[int] = _REFUSALS
        """The statuses that say that the token is refused."""
        self.trouble: OutsideError = Unreachable()
        """What it is if the call fails."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        path = request.url.raw_path.replace(f"/bot{_PLACEHOLDER}/".encode(), self._path, 1)
        real = httpx.Request(
            request.method,
            request.url.copy_with(raw_path=path),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        response = await self._network.handle_async_request(real)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self.trouble = RateLimited(pause=pause_of(await response.aread()))
        elif response.status_code in self.refusals:
            self.trouble = CredentialRefused(pause=_PAUSE_AFTER_REFUSAL)
        elif response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
            self.trouble = NotUnderstood()
        return response


async def _asked(call: Awaitable[T], transport: _WithToken, within: float) -> T:
    """Await a call. Raises OutsideError, without anything that the library says."""
    try:
        async with asyncio.timeout(within):
            return await call
    except TimeoutError:
        raise Unreachable from None
    except Exception:  # noqa: BLE001 - an answer can be wrong in any way
        raise transport.trouble from None


def _message(update: Update, bot_id: str) -> Message | None:
    message = update.message
    text = "" if message is None else _text(message)
    if message is None or not text:
        return None
    person, chat = message.from_user, str(message.chat.id)
    name = "" if person is None else person.username or person.first_name
    return Message(
        id=str(update.update_id),
        user_id=chat,
        sender=chat if person is None else str(person.id),
        sender_name=name,
        text=text,
        is_group=message.chat.type in _GROUPS,
        mentioned=f"@{bot_id}".casefold() in text.casefold(),
        reply_to=chat,
    )


def _text(message: TelegramMessage) -> str:
    document = message.document
    sent = [
        "[photo]" if message.photo else "",
        f"[file {document.file_name or ''}]" if document else "",
        message.text or message.caption or "",
    ]
    return " ".join(word for word in sent if word)
