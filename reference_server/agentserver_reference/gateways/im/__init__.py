"""Messages between people and bots: by Telegram, Matrix and WeChat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from agentserver_reference.gateways.im.off import ImOff
from agentserver_reference.gateways.im.remote import RemoteIm
from agentserver_reference.gateways.im.services import ImServices
from agentserver_reference.gateways.im.simulated import SimulatedIm

if TYPE_CHECKING:
    from agentserver_reference.gateways.im.service import Service, WeixinLogin
    from agentserver_reference.settings import Settings


class Im(Protocol):
    """The services that carry messages."""

    def of(self, provider: str, /) -> Service:
        """Return a provider's service. Raises ServiceUnavailable where it cannot be used."""
        ...

    def weixin_login(self) -> WeixinLogin:
        """Return what logs bots in to WeChat. Raises ServiceUnavailable where it cannot be used."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def open_im(settings: Settings, wait: Callable[[float], Awaitable[object]]) -> Im:
    """Return the services for `settings.imbridge_url`, or as `settings.im` says.

    They are simulated, disabled, called, or used by the IM bridge.
    """
    if settings.imbridge_url is not None:
        return RemoteIm(settings.imbridge_url, secret=settings.internal_api_secret)
    if settings.im == "embedded":
        return ImServices(settings)
    return ImOff() if settings.im == "off" else SimulatedIm(wait)
