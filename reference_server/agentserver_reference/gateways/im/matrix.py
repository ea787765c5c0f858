"""Matrix, by the few calls of its client-server API that a bot needs, without encryption."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from agentserver_reference.gateways.failures import CredentialRefused, NotUnderstood
from agentserver_reference.gateways.im.limits import SEND_TIMEOUT, TIMEOUT, parts
from agentserver_reference.gateways.im.service import Batch, Credentials, Message
from agentserver_reference.gateways.outside import Outside

T = TypeVar("T")

SUFFIX = "@matrix"
"""Ends the name of a room, which stands for all who write in it."""

_POLL = 30
_MESSAGE = "m.room.message"
_MOST = 10_000
"""Characters of a message: an event has at most 65,536 bytes."""
_PAGE = 50
_NOTHING: dict[str, list[str]] = {"types": []}
_MESSAGES = {"types": [_MESSAGE], "limit": _PAGE}
_FILTER = json.dumps(
    {
        "presence": _NOTHING,
        "account_data": _NOTHING,
        "room": {
            "state": _NOTHING,
            "ephemeral": _NOTHING,
            "account_data": _NOTHING,
            "timeline": _MESSAGES,
        },
    }
)


class _WhoAmI(msgspec.Struct):
    user_id: str


class _Event(msgspec.Struct):
    event_id: str
    sender: str
    type: str
    content: dict[str, Any] = {}


class _Timeline(msgspec.Struct):
    events: list[_Event] = []
    limited: bool = False
    prev_batch: str | None = None


class _Joined(msgspec.Struct):
    timeline: _Timeline = msgspec.field(default_factory=_Timeline)


class _Rooms(msgspec.Struct):
    join: dict[str, _Joined] = {}
    invite: dict[str, Any] = {}


class _Sync(msgspec.Struct):
    next_batch: str
    rooms: _Rooms = msgspec.field(default_factory=_Rooms)


class _Page(msgspec.Struct):
    chunk: list[_Event]
    end: str | None = None


class Matrix:
    """See Service. Each address is one that a member has given."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def identify(self, credentials: Credentials) -> str:
        """See Service: the user id."""
        found = await self._ask(credentials, "GET", "account/whoami", _WhoAmI)
        if not found.user_id:
            raise NotUnderstood
        return found.user_id

    async def receive(self, credentials: Credentials, cursor: str) -> Batch:
        """See Service. The first poll brings no messages; invitations are accepted."""
        wait = _POLL if cursor else 0
        since = {"since": cursor} if cursor else {}
        news = await self._ask(
            credentials,
            "GET",
            "sync",
            _Sync,
            timeout=wait + TIMEOUT,
            params={"filter": _FILTER, "timeout": str(wait * 1000), **since},
        )
        for room in news.rooms.invite:
            await self._join(credentials, room)
        messages: list[Message] = []
        if cursor:
            for room, joined in news.rooms.join.items():
                events = await self._missed(credentials, room, cursor, joined.timeline)
                messages.extend(_messages(room, events, credentials.bot_id))
        return Batch(tuple(messages), news.next_batch)

    async def send(self, credentials: Credentials, to: str, text: str, *, key: str) -> None:
        """See Service. A repeated key is taken once: it is the id of the transaction."""
        room = quote(to.removesuffix(SUFFIX), safe="")
        for number, part in enumerate(parts(text, _MOST)):
            await self._ask(
                credentials,
                "PUT",
                f"rooms/{room}/send/{_MESSAGE}/{quote(f'{key}.{number}', safe='')}",
                dict,
                timeout=SEND_TIMEOUT,
                json={"msgtype": "m.text", "body": part},
            )

    async def _join(self, credentials: Credentials, room: str) -> None:
        # Otherwise, the invitation has been taken back, or the room does not let the bot in.
        with suppress(CredentialRefused, NotUnderstood):
            await self._ask(credentials, "POST", f"join/{quote(room, safe='')}", dict, json={})

    async def _missed(
        self, credentials: Credentials, room: str, cursor: str, timeline: _Timeline
    ) -> list[_Event]:
        """Return the events of a room since the cursor: a sync leaves out all but the newest."""
        events, before = list(timeline.events), timeline.prev_batch
        is_whole = not timeline.limited
        while not is_whole and before is not None:
            query = {"dir": "b", "from": before, "to": cursor, "limit": str(_PAGE)}
            page = await self._ask(
                credentials,
                "GET",
                f"rooms/{quote(room, safe='')}/messages",
                _Page,
                params={**query, "filter": json.dumps({"types": [_MESSAGE]})},
            )
            events[:0] = reversed(page.chunk)
            is_whole = page.end is None or page.end == before
            before = page.end
        return events

    async def _ask(
        self, credentials: Credentials, method: str, path: str, form: type[T], **content: Any
    ) -> T:
        url = f"{credentials.base_url.rstrip('/')}/_matrix/client/v3/{path}"
        headers = {"authorization": f"Bearer {credentials.token}"}
        return await self._outside.ask(method, url, form, headers=headers, **content)


def _messages(room: str, events: list[_Event], bot_id: str) -> Iterator[Message]:
    for event in events:
        content, text = event.content, event.content.get("body")
        related = content.get("m.relates_to")
        is_edit = isinstance(related, dict) and related.get("rel_type") == "m.replace"
        is_by_a_bot = event.sender == bot_id or content.get("msgtype") == "m.notice"
        if event.type != _MESSAGE or is_edit or is_by_a_bot:
            continue
        if not isinstance(text, str) or not text:
            continue
        yield Message(
            id=event.event_id,
            user_id=room + SUFFIX,
            sender=event.sender,
            sender_name=event.sender,
            text=text,
            is_group=True,
            mentioned=_mentions(content, text, bot_id),
            reply_to=room,
        )


def _mentions(content: dict[str, Any], text: str, bot_id: str) -> bool:
    named = content.get("m.mentions")
    users = named.get("user_ids") if isinstance(named, dict) else None
    return bot_id in text or (isinstance(users, list) and bot_id in users)
