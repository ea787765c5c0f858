"""Simulated services: they know their bots by the form of the tokens, and connect to nothing."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from hashlib import sha256
from urllib.parse import urlsplit

from agentserver_reference.domain.im import MATRIX, TELEGRAM, WEIXIN
from agentserver_reference.gateways.failures import CredentialRefused
from agentserver_reference.gateways.im.service import Batch, Credentials, Polled, Service, Started

_POLL = 30.0
"""Seconds that a poll takes: no messages ever arrive."""
_TELEGRAM_TOKEN = re.compile(r"([0-9]{1,20}):[0-9A-Za-z_-]{20,}")
_MATRIX_TOKEN = re.compile(r"syt_[!-~]+")


class _Simulated:
    """A service without people: no messages arrive, and those that are sent are dropped.

    Arguments:
        wait: waits for so many seconds.
    """

    def __init__(self, wait: Callable[[float], Awaitable[object]]) -> None:
        self._wait = wait

    async def receive(self, credentials: Credentials, cursor: str, /) -> Batch:
        """See Service."""
        await self._wait(_POLL)
        return Batch((), cursor)

    async def send(self, credentials: Credentials, to: str, text: str, /, *, key: str) -> None:
        """See Service."""


class SimulatedTelegram(_Simulated):
    """A Telegram in which every token of the usual form is that of a bot."""

    async def identify(self, credentials: Credentials, /) -> str:
        """See Service."""
        found = _TELEGRAM_TOKEN.fullmatch(credentials.token)
        if found is None:
            raise CredentialRefused
        return f"simulated_{found[1]}_bot"


class SimulatedMatrix(_Simulated):
    """Homeservers at which every token of the usual form is that of an account."""

    async def identify(self, credentials: Credentials, /) -> str:
        """See Service."""
        if not _MATRIX_TOKEN.fullmatch(credentials.token):
            raise CredentialRefused
        name = sha256(credentials.token.encode()).hexdigest()[:8]
        return f"@simulated-{name}:{urlsplit(credentials.base_url).hostname}"


class SimulatedWeixin(_Simulated):
    """A WeChat in which every code is scanned and confirmed at once."""

    async def identify(self, credentials: Credentials, /) -> str:
        """See Service."""
        return credentials.bot_id

    async def start(self) -> Started:
        """See WeixinLogin."""
        code = secrets.token_hex(16)
        return Started(code, f"https://weixin.example.com/qrcode/{code[:8]}")

    async def poll(self, base_url: str, qrcode: str, /) -> Polled:
        """See WeixinLogin."""
        return Polled(
            status="confirmed",
            token=f"simulated-{qrcode}",
            bot_id=f"simulated-{qrcode[:8]}@im.bot",
            user_id=f"simulated-user-{qrcode[:8]}",
        )


class SimulatedIm:
    """The simulated services."""

    def __init__(self, wait: Callable[[float], Awaitable[object]]) -> None:
        self._services: dict[str, Service] = {
            TELEGRAM: SimulatedTelegram(wait),
            MATRIX: SimulatedMatrix(wait),
            WEIXIN: SimulatedWeixin(wait),
        }
        self._weixin = SimulatedWeixin(wait)

    def of(self, provider: str, /) -> Service:
        """See Im."""
        return self._services[provider]

    def weixin_login(self) -> SimulatedWeixin:
        """See Im."""
        return self._weixin

    async def close(self) -> None:
        """See Im."""
