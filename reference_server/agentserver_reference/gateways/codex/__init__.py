"""Codex, the coding agent that runs turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.gateways.codex.embedded import BuiltInEngine
from agentserver_reference.settings import Settings, SettingsError

if TYPE_CHECKING:
    from agentserver_reference.gateways.codex.protocol import Codex
    from agentserver_reference.storage import Store


def open_codex(
    settings: Settings,
    store: Store,
    clock: Callable[[], datetime],
    ids: Callable[[], str],
    *,
    url: Callable[[], str],
    background: Callable[[str, Callable[[], Awaitable[None]]], None],
    wait: Callable[[float], Awaitable[object]],
) -> Codex:
    """Return what runs turns: a gateway or a codex that the operator names, or the built-in engine.

    Raises SettingsError if codex is named and this system cannot run it.
    """
    if settings.codex_app_gateway_rest_url is not None:
        # Imported late: httpx takes 5 MB, and most servers do without it.
        from agentserver_reference.gateways.codex.remote import RemoteCodex

        gateway, secret = settings.codex_app_gateway_rest_url, settings.internal_api_secret
        return RemoteCodex(gateway, clock, secret=secret)
    if settings.codex is None:
        return BuiltInEngine(clock, ids)
    # Imported late: few servers have codex, and not every system has what it imports.
    from agentserver_reference.sandbox_backends import linux

    if not linux.is_supported():
        raise SettingsError("AGENTSERVER_CODEX: codex runs on Linux only")
    from agentserver_reference.gateways.codex.binary import CodexBinary

    return CodexBinary(settings.codex, settings, store, clock, url, background, wait)
