"""WeChat, by iLink: bots are logged in by a QR code, and take part in conversations."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from agentserver_reference.gateways.failures import CredentialRefused, NotUnderstood, Unreachable
from agentserver_reference.gateways.im.limits import POLL_TIMEOUT, SEND_TIMEOUT, parts
from agentserver_reference.gateways.im.service import Batch, Credentials, Message, Polled, Started
from agentserver_reference.gateways.outside import Outside

T = TypeVar("T")

_HOSTS = ("weixin.qq.com", "wechat.com")
"""What iLink names as its addresses is called only if it is one of these, or below one."""
_BOT_TYPE = "3"
_HEADERS = {
    "authorizationtype": "ilink_bot_token",
    "ilink-app-id": "bot",
    "ilink-app-clientversion": "132099",
}
_BASE_INFO = {"channel_version": "agentserver-python-1.0", "bot_agent": "agentserver"}
_EXPIRED = -14
_PAUSE_AFTER_EXPIRY = 3600.0
"""Seconds. Only a new login helps, and it begins anew at once."""
_FROM_A_BOT = 2
_FINISHED = 2
_TEXT = 1
_MOST = 4000
"""Characters of a message."""


class _QrCode(msgspec.Struct):
    qrcode: str
    qrcode_img_content: str


class _Status(msgspec.Struct):
    status: str = ""
    bot_token: str | None = None
    ilink_bot_id: str | None = None
    baseurl: str | None = None
    ilink_user_id: str | None = None
    redirect_host: str | None = None


class _Text(msgspec.Struct):
    text: str = ""


class _File(msgspec.Struct):
    file_name: str = ""


class _Item(msgspec.Struct):
    type: int = 0
    text_item: _Text | None = None
    voice_item: _Text | None = None
    file_item: _File | None = None


class _Message(msgspec.Struct):
    from_user_id: str = ""
    message_id: int | str | None = None
    create_time_ms: int = 0
    message_type: int = 0
    item_list: list[_Item] | None = None
    context_token: str = ""


class _Answer(msgspec.Struct):
    ret: int = 0
    errcode: int = 0


class _Updates(_Answer):
    msgs: list[_Message] | None = None
    get_updates_buf: str = ""


_WORDS: dict[int, Callable[[_Item], str]] = {
    _TEXT: lambda item: item.text_item.text if item.text_item else "",
    2: lambda _: "[image]",
    3: lambda item: (item.voice_item.text if item.voice_item else "") or "[voice message]",
    4: lambda item: f"[file {item.file_item.file_name}]" if item.file_item else "[file]",
    5: lambda _: "[video]",
}
"""What is said of each kind of item."""


class Weixin:
    """See Service and WeixinLogin.

    An answer needs, beside the person, a token of the message that it answers: `reply_to` has
    both.
    """

    def __init__(self, outside: Outside, base_url: str) -> None:
        self._outside = outside
        self._base_url = base_url

    async def identify(self, credentials: Credentials) -> str:
        """See Service: iLink says it with the login, and never again."""
        return credentials.bot_id

    async def receive(self, credentials: Credentials, cursor: str) -> Batch:
        """See Service."""
        body = {"get_updates_buf": cursor, "base_info": _BASE_INFO}
        updates = await self._ask(
            "POST",
            credentials.base_url,
            "getupdates",
            _Updates,
            token=credentials.token,
            timeout=POLL_TIMEOUT,
            json=body,
        )
        _check(updates)
        return Batch(tuple(_messages(updates.msgs or [])), updates.get_updates_buf or cursor)

    async def send(self, credentials: Credentials, to: str, text: str, *, key: str) -> None:
        """See Service."""
        user, _, context_token = to.partition(" ")
        for number, part in enumerate(parts(text, _MOST)):
            message = {
                "from_user_id": "",
                "to_user_id": user,
                "client_id": f"{key}.{number}",
                "message_type": _FROM_A_BOT,
                "message_state": _FINISHED,
                "context_token": context_token,
                "item_list": [{"type": _TEXT, "text_item": {"text": part}}],
            }
            answer = await self._ask(
                "POST",
                credentials.base_url,
                "sendmessage",
                _Answer,
                token=credentials.token,
                timeout=SEND_TIMEOUT,
                json={"msg": message, "base_info": _BASE_INFO},
            )
            _check(answer)

    async def start(self) -> Started:
        """See WeixinLogin."""
        query = {"bot_type": _BOT_TYPE}
        body: dict[str, list[str]] = {"local_token_list": []}
        code = await self._ask("POST", "", "get_bot_qrcode", _QrCode, params=query, json=body)
        if not code.qrcode or not code.qrcode_img_content:
            raise NotUnderstood
        return Started(code.qrcode, code.qrcode_img_content)

    async def poll(self, base_url: str, qrcode: str) -> Polled:
        """See WeixinLogin."""
        found = await self._ask(
            "GET",
            base_url,
            "get_qrcode_status",
            _Status,
            timeout=POLL_TIMEOUT,
            params={"qrcode": qrcode},
        )
        return Polled(
            status=found.status,
            token=found.bot_token or "",
            bot_id=found.ilink_bot_id or "",
            base_url=found.baseurl or "",
            user_id=found.ilink_user_id or "",
            redirect_host=found.redirect_host or "",
        )

    async def _ask(
        self,
        method: str,
        base_url: str,
        call: str,
        form: type[T],
        *,
        token: str = "",
        **content: Any,
    ) -> T:
        number = str(secrets.randbits(32)).encode()
        headers = {**_HEADERS, "x-wechat-uin": base64.b64encode(number).decode()}
        if token:
            headers["authorization"] = f"Bearer {token}"
        url = f"{self._address(base_url)}/ilink/bot/{call}"
        return await self._outside.ask(method, url, form, headers=headers, **content)

    def _address(self, base_url: str) -> str:
        """Return the address to call: the operator's, or one of iLink's own."""
        base_url = base_url.rstrip("/") or self._base_url
        if base_url == self._base_url:
            return base_url
        try:
            parts = urlsplit(base_url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise Unreachable from None
        is_ilink = any(host == each or host.endswith(f".{each}") for each in _HOSTS)
        if parts.scheme != "https" or not is_ilink or "@" in parts.netloc:
            raise Unreachable
        return f"https://{host}" + ("" if port is None else f":{port}")


def _check(answer: _Answer) -> None:
    if _EXPIRED in (answer.ret, answer.errcode):
        raise CredentialRefused(pause=_PAUSE_AFTER_EXPIRY)
    if answer.ret or answer.errcode:
        raise NotUnderstood


def _messages(given: list[_Message]) -> Iterator[Message]:
    for message in given:
        words = [_WORDS[item.type](item) for item in message.item_list or () if item.type in _WORDS]
        text, user = "\n".join(word for word in words if word), message.from_user_id
        if not user or not text or message.message_type == _FROM_A_BOT:
            continue
        yield Message(
            id=_id_of(message, text),
            user_id=user,
            sender=user,
            sender_name=user,
            text=text,
            reply_to=f"{user} {message.context_token}",
        )


def _id_of(message: _Message, text: str) -> str:
    if message.message_id is not None:
        return str(message.message_id)
    parts = [message.from_user_id, str(message.create_time_ms), message.context_token, text]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
