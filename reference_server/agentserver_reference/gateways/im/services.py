"""The services that carry messages, by the name of their provider."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING

from agentserver_reference import logs
from agentserver_reference.domain.errors import NotFound, ServiceUnavailable
from agentserver_reference.domain.im import MATRIX, TELEGRAM, WEIXIN

if TYPE_CHECKING:
    from agentserver_reference.gateways.im.matrix import Matrix
    from agentserver_reference.gateways.im.service import Service, WeixinLogin
    from agentserver_reference.gateways.im.telegram import Telegram
    from agentserver_reference.gateways.im.weixin import Weixin
    from agentserver_reference.gateways.outside import Outside
    from agentserver_reference.settings import Settings

_logger = logging.getLogger(logs.LOGGER)


class ImServices:
    """Opens each service when it is first needed: many servers need none, and httpx takes 5 MB."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._outside: Outside | None = None
        self._of_the_operator: Outside | None = None
        self._telegram: Telegram | None = None

    def of(self, provider: str) -> Service:
        """Return a provider's service. Raises ServiceUnavailable, or NotFound if there is none."""
        if provider == TELEGRAM:
            return self.telegram()
        if provider == MATRIX:
            return self.matrix()
        if provider == WEIXIN:
            return self._weixin()
        raise NotFound("unknown provider")

    def telegram(self) -> Telegram:
        """Return Telegram. Raises ServiceUnavailable if python-telegram-bot is missing."""
        if self._telegram is None:
            if find_spec("telegram") is None:
                line = "Telegram needs python-telegram-bot: pip install 'agentserver[im]'"
                _logger.error(line)
                raise ServiceUnavailable(line)
            from agentserver_reference.gateways.im.telegram import Telegram

            self._telegram = Telegram(self._settings.telegram_api_url)
        return self._telegram

    def matrix(self) -> Matrix:
        """Return Matrix, whose homeservers are addresses that members give."""
        from agentserver_reference.gateways.im.matrix import Matrix
        from agentserver_reference.gateways.outside import Outside

        if self._outside is None:
            self._outside = Outside(private_allowed=self._settings.private_addresses_allowed)
        return Matrix(self._outside)

    def weixin_login(self) -> WeixinLogin:
        """Return what logs bots in to WeChat."""
        return self._weixin()

    def _weixin(self) -> Weixin:
        from agentserver_reference.gateways.im.weixin import Weixin
        from agentserver_reference.gateways.outside import Outside

        if self._of_the_operator is None:
            self._of_the_operator = Outside(private_allowed=True)
        return Weixin(self._of_the_operator, self._settings.weixin_api_url)

    async def close(self) -> None:
        """Close the connections."""
        for each in (self._telegram, self._outside, self._of_the_operator):
            if each is not None:
                await each.close()
