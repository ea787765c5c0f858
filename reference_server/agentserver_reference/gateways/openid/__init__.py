"""OpenID providers that callers name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentserver_reference.gateways.openid.remote import RemoteProviders


class OpenIDProviders:
    """Opens the connections to the providers when they are needed first, and keeps them."""

    def __init__(self, *, private_allowed: bool) -> None:
        self._private_allowed = private_allowed
        self._opened: RemoteProviders | None = None

    def open(self) -> RemoteProviders:
        """Return what calls the providers."""
        # Imported late: httpx takes 5 MB, and most servers do without it.
        from agentserver_reference.gateways.openid.remote import RemoteProviders

        if self._opened is None:
            self._opened = RemoteProviders(private_allowed=self._private_allowed)
        return self._opened

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.close()
