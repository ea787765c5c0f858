"""The gateway to which executors are connected: embedded, remote, or disabled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.gateways.executors.embedded import EmbeddedExecutors
from agentserver_reference.gateways.executors.off import ExecutorsOff

if TYPE_CHECKING:
    from agentserver_reference.gateways.executors.protocol import Executors
    from agentserver_reference.settings import Settings
    from agentserver_reference.storage import Store


def open_executors(
    settings: Settings,
    store: Store,
    clock: Callable[[], datetime],
    ids: Callable[[], str],
    *,
    background: Callable[[str, Callable[[], Awaitable[None]]], None],
    wait: Callable[[float], Awaitable[object]],
) -> Executors:
    """Create the gateway for `settings.codex_exec_gateway_internal_url`.

    That is a URL, `off`, or None for the embedded one.
    """
    if settings.codex_exec_gateway_internal_url is None:
        # SQLite's file is that of one process.
        is_alone = not settings.is_postgresql
        return EmbeddedExecutors(store, clock, ids, background, wait, is_alone=is_alone)
    if settings.codex_exec_gateway_internal_url == "off":
        return ExecutorsOff()
    # Imported late: httpx takes 5 MB, and most servers do without it.
    from agentserver_reference.gateways.executors.remote import RemoteExecutors

    return RemoteExecutors(
        settings.codex_exec_gateway_internal_url, secret=settings.internal_api_secret
    )
