"""The OAuth 2.0 provider that signs agents in: embedded, remote, or disabled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.gateways.oauth.embedded import EmbeddedOAuth
from agentserver_reference.gateways.oauth.off import OAuthOff
from agentserver_reference.gateways.oauth.protocol import OAuth

if TYPE_CHECKING:
    from agentserver_reference.settings import Settings
    from agentserver_reference.storage import Store


def open_oauth(
    settings: Settings, store: Store, clock: Callable[[], datetime], tokens: Callable[[], str]
) -> OAuth:
    """Create the provider: at `hydra_admin_url` and `hydra_public_url`, disabled, or embedded."""
    if settings.hydra_admin_url == "off":
        return OAuthOff()
    if settings.hydra_admin_url is None or settings.hydra_public_url is None:
        return EmbeddedOAuth(store, clock, tokens)
    # Imported late: httpx takes 5 MB, and most servers do without it.
    from agentserver_reference.gateways.oauth.remote import RemoteOAuth

    return RemoteOAuth(settings.hydra_admin_url, settings.hydra_public_url)
