"""Stand-ins for Telegram, a Matrix homeserver and iLink, on real sockets.

Each keeps what people have written and gives it from wherever a poll asks, holds a poll until
there is something, and keeps what the bot has sent.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import attrs
from listening import listening
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "4242:secret-of-the-bot"


@attrs.frozen
class Written:
    """A message of a person to the bot."""

    text: str
    person: str
    is_group: bool


@attrs.define
class StandIn(ABC):
    """A service with one bot, whose token is TOKEN."""

    url: str = ""
    written: list[Written] = attrs.field(factory=list)
    sent: list[tuple[str, str]] = attrs.field(factory=list)
    """To whom the bot has written, and what."""
    asked: list[str] = attrs.field(factory=list)
    """Each request, as `method path?query`."""
    failing: Response | None = None
    """What it answers to everything, if not None."""
    failing_to_send: Response | None = None
    is_ending: bool = False
    news: asyncio.Event = attrs.field(factory=asyncio.Event)
    polled: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Set by each poll."""
    tried_to_send: asyncio.Event = attrs.field(factory=asyncio.Event)
    was_sent: asyncio.Event = attrs.field(factory=asyncio.Event)

    def write(self, text: str, person: str = "5", *, is_group: bool = False) -> None:
        """A person writes to the bot."""
        self.written.append(Written(text, person, is_group))
        self.news.set()

    async def since(self, place: int) -> list[tuple[int, Written]]:
        """Return what was written after a place, each with its place, when there is something."""
        self.polled.set()
        while len(self.written) <= place and not self.is_ending:
            self.news.clear()
            await self.news.wait()
        return list(enumerate(self.written))[place:]

    def keep(self, to: str, text: str) -> None:
        """Keep what the bot has sent."""
        self.sent.append((to, text))
        self.was_sent.set()

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        self.asked.append(f"{request.method} {request.url.path}?{request.url.query}")
        if self.failing is not None:
            return self.failing
        if not self.knows(request):
            return self.refusal()
        if self.failing_to_send is not None and self.is_sending(request):
            self.tried_to_send.set()
            return self.failing_to_send
        body: dict[str, Any] = {}
        if request.headers.get("content-type", "").startswith("application/json"):
            body = await request.json()
        return await self.reply(request, body)

    @abstractmethod
    def knows(self, request: Request) -> bool:
        """Whether the request has the bot's token, or needs none."""

    @abstractmethod
    def is_sending(self, request: Request) -> bool:
        """Whether the request sends a message."""

    @abstractmethod
    def refusal(self) -> Response:
        """Return what is said to an unknown token."""

    @abstractmethod
    def too_many(self, seconds: int) -> Response:
        """Return what is said to who asks too often."""

    @abstractmethod
    async def reply(self, request: Request, body: dict[str, Any]) -> Response:
        """Answer a request with the right token."""


class TelegramStandIn(StandIn):
    """Telegram's Bot API: getMe, getUpdates and sendMessage."""

    def knows(self, request: Request) -> bool:
        return request.url.path.startswith(f"/bot{TOKEN}/")

    def is_sending(self, request: Request) -> bool:
        return request.url.path.endswith("/sendMessage")

    def refusal(self) -> Response:
        said = {"ok": False, "error_code": 401, "description": "Unauthorized"}
        return JSONResponse(said, status_code=401)

    def too_many(self, seconds: int) -> Response:
        said = {"ok": False, "error_code": 429, "description": f"retry after {seconds}"}
        return JSONResponse(said | {"parameters": {"retry_after": seconds}}, status_code=429)

    async def reply(self, request: Request, body: dict[str, Any]) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        match request.url.path.rpartition("/")[2]:
            case "getMe":
                bot = {"id": 4242, "is_bot": True, "first_name": "Bot", "username": "good_bot"}
                return JSONResponse({"ok": True, "result": bot})
            case "getUpdates":
                place = int(form.get("offset", "1")) - 1
                updates = [self.update(number, each) for number, each in await self.since(place)]
                return JSONResponse({"ok": True, "result": updates})
            case "sendMessage":
                chat, text = form["chat_id"], form["text"]
                self.keep(chat, text)
                message = {"message_id": len(self.sent), "date": 1795736000, "text": text}
                chat_of_it = {"id": int(chat), "type": "private"}
                return JSONResponse({"ok": True, "result": message | {"chat": chat_of_it}})
        return JSONResponse({"ok": False, "error_code": 404}, status_code=404)

    def update(self, number: int, written: Written) -> dict[str, Any]:
        """Return an update as Telegram sends it."""
        person = {"id": int(written.person), "is_bot": False, "first_name": "Ann"}
        chat = {"id": int(written.person), "type": "group" if written.is_group else "private"}
        message = {"message_id": number + 7, "date": 1795736000, "chat": chat, "from": person}
        return {"update_id": number + 1, "message": message | {"text": written.text}}


@attrs.define
class MatrixStandIn(StandIn):
    """The calls of a homeserver that a bot needs. There is one room for each person."""

    invited: list[str] = attrs.field(factory=list)
    joined: list[str] = attrs.field(factory=list)
    transactions: set[str] = attrs.field(factory=set)
    page: int = 20
    """How many messages of a room a sync brings."""

    def knows(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {TOKEN}"

    def is_sending(self, request: Request) -> bool:
        return "/send/" in request.url.path

    def refusal(self) -> Response:
        return JSONResponse({"errcode": "M_UNKNOWN_TOKEN", "error": "no"}, status_code=401)

    def too_many(self, seconds: int) -> Response:
        said = {"errcode": "M_LIMIT_EXCEEDED", "error": "no", "retry_after_ms": seconds * 1000}
        return JSONResponse(said, status_code=429)

    async def reply(self, request: Request, body: dict[str, Any]) -> Response:
        path = request.url.path.removeprefix("/_matrix/client/v3/").split("/")
        match path:
            case ["account", "whoami"]:
                return JSONResponse({"user_id": "@bot:matrix.example", "device_id": "D"})
            case ["sync"]:
                return JSONResponse(await self.sync(request.query_params.get("since")))
            case ["join", room]:
                self.joined.append(room)
                return JSONResponse({"room_id": room})
            case ["rooms", room, "messages"]:
                first, last = (int(request.query_params[name]) for name in ("to", "from"))
                every = self.events(first, last, room)[::-1]
                left = {"end": str(last - self.page)} if every[self.page :] else {}
                return JSONResponse({"chunk": every[: self.page], "start": str(last), **left})
            case ["rooms", room, "send", "m.room.message", transaction]:
                if transaction not in self.transactions:
                    self.transactions.add(transaction)
                    self.keep(room, body["body"])
                return JSONResponse({"event_id": f"$sent-{transaction}"})
        return JSONResponse({"errcode": "M_UNRECOGNIZED"}, status_code=404)

    async def sync(self, since: str | None) -> dict[str, Any]:
        """Return a sync, as a homeserver does; a first one is not held."""
        first = 0 if since is None else int(since)
        if since is not None:
            await self.since(first)
        last, rooms = len(self.written), {f"!{each.person}:matrix.example" for each in self.written}
        join = {}
        for room in sorted(rooms):
            events = self.events(first, last, room)
            limited = {"limited": len(events) > self.page, "prev_batch": str(last - self.page)}
            join[room] = {"timeline": {"events": events[-self.page :], **limited}}
        invite: dict[str, Any] = {room: {} for room in self.invited}
        return {"next_batch": str(last), "rooms": {"join": join, "invite": invite}}

    def events(self, first: int, last: int, room: str) -> list[dict[str, Any]]:
        """Return the messages of a room between two places."""
        return [
            {
                "event_id": f"$event-{number}",
                "type": "m.room.message",
                "sender": "@ann:matrix.example",
                "origin_server_ts": 1795736000000,
                "content": {"msgtype": "m.text", "body": each.text},
            }
            for number, each in enumerate(self.written[:last])
            if number >= first and room == f"!{each.person}:matrix.example"
        ]


@attrs.define
class WeixinStandIn(StandIn):
    """iLink: the login by QR code, getupdates and sendmessage."""

    status: dict[str, Any] = attrs.field(factory=lambda: {"status": "wait"})
    """What it says of a login."""

    def knows(self, request: Request) -> bool:
        if "qrcode" in request.url.path:
            return request.headers.get("ilink-app-id") == "bot"
        return request.headers.get("authorization") == f"Bearer {TOKEN}"

    def is_sending(self, request: Request) -> bool:
        return request.url.path.endswith("/sendmessage")

    def refusal(self) -> Response:
        return JSONResponse({"ret": -14, "errcode": -14, "errmsg": "session timeout"})

    def too_many(self, seconds: int) -> Response:
        return JSONResponse({"retry_after_ms": seconds * 1000}, status_code=429)

    async def reply(self, request: Request, body: dict[str, Any]) -> Response:
        match request.url.path.removeprefix("/ilink/bot/"):
            case "get_bot_qrcode":
                return JSONResponse({"qrcode": "qr-1", "qrcode_img_content": f"{self.url}/qr-1"})
            case "get_qrcode_status":
                return JSONResponse(self.status)
            case "getupdates":
                news = await self.since(int(body["get_updates_buf"] or 0))
                messages = [self.message(number, each) for number, each in news]
                place = {"get_updates_buf": str(news[-1][0] + 1)} if news else {}
                return JSONResponse({"ret": 0, "msgs": messages, **place})
            case "sendmessage":
                sent = body["msg"]
                assert sent["context_token"] == f"context-{sent['to_user_id']}"
                self.keep(sent["to_user_id"], sent["item_list"][0]["text_item"]["text"])
                return JSONResponse({})
        return JSONResponse({}, status_code=404)

    def message(self, number: int, written: Written) -> dict[str, Any]:
        """Return a message as iLink sends it."""
        return {
            "from_user_id": written.person,
            "message_id": number + 1000,
            "message_type": 1,
            "context_token": f"context-{written.person}",
            "item_list": [{"type": 1, "text_item": {"text": written.text}}],
        }


STAND_INS: dict[str, type[StandIn]] = {
    "telegram": TelegramStandIn,
    "matrix": MatrixStandIn,
    "weixin": WeixinStandIn,
}
"""The stand-ins, by the name of the provider."""


@asynccontextmanager
async def standing_in(provider: str) -> AsyncIterator[StandIn]:
    """Start a provider's stand-in."""
    stand_in = STAND_INS[provider]()
    methods = ["GET", "POST", "PUT"]
    async with listening(
        Starlette(routes=[Route("/{path:path}", stand_in.answer, methods=methods)])
    ) as running:
        stand_in.url = f"http://{running.address}"
        try:
            yield stand_in
        finally:
            stand_in.is_ending = True
            stand_in.news.set()
