"""The LLM proxy: embedded, remote, or disabled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.gateways.llm.embedded import EmbeddedLlmProxy
from agentserver_reference.gateways.llm.off import LlmProxyOff
from agentserver_reference.gateways.llm.protocol import LlmProxy

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings
    from agentserver_reference.storage import Store


def open_llm_proxy(settings: Settings, store: Store, clock: Callable[[], datetime]) -> LlmProxy:
    """Create the proxy for `settings.llm_proxy_url`: a URL, `off`, or None for the embedded one."""
    if settings.llm_proxy_url is None:
        return EmbeddedLlmProxy(store, clock, settings.llm_proxy_default_max_rpd)
    if settings.llm_proxy_url == "off":
        return LlmProxyOff()
    # Imported late: httpx takes 5 MB, and most servers do without it.
    from agentserver_reference.gateways.llm.remote import RemoteLlmProxy

    return RemoteLlmProxy(settings.llm_proxy_url, secret=settings.internal_api_secret)
