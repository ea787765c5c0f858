"""The model server to which workspaces are connected: the operator's, the built-in one, or none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from agentserver_reference.gateways.modelserver.off import ModelServerOff
from agentserver_reference.gateways.modelserver.protocol import ModelServer

if TYPE_CHECKING:
    from agentserver_reference.domain.cipher import Cipher
    from agentserver_reference.gateways.models import Models
    from agentserver_reference.settings import Settings

BUILT_IN = "built-in"
"""The value of `modelserver_auth_url` with which the server is its own model server."""


def open_modelserver(
    settings: Settings,
    models: Models,
    cipher: Cipher,
    clock: Callable[[], datetime],
    tokens: Callable[[], str],
) -> ModelServer:
    """Create the model server that `modelserver_auth_url` and the settings beside it name."""
    if settings.modelserver_auth_url == BUILT_IN:
        from agentserver_reference.gateways.modelserver.embedded import BuiltInModelServer

        return BuiltInModelServer(models, cipher, clock, tokens)
    if settings.modelserver_auth_url in (None, "off"):
        return ModelServerOff()
    # Imported late: httpx takes 5 MB, and most servers do without it.
    from agentserver_reference.gateways.modelserver.remote import Addresses, RemoteModelServer

    addresses = Addresses(
        authorization=settings.modelserver_auth_url,
        token=settings.modelserver_token_url or "",
        introspection=settings.modelserver_introspect_url or "",
        models=settings.modelserver_proxy_url,
        client_id=settings.modelserver_client_id or "",
        client_secret=settings.modelserver_client_secret,
    )
    return RemoteModelServer(addresses, models, clock)
