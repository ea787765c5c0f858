"""The clusters of workspaces, which are called with the workspaces' own credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from agentserver_reference.gateways.clusters.remote import RemoteClusters
    from agentserver_reference.replies import Headers


@attrs.frozen
class ClusterRequest:
    """A request to a cluster, as the client has sent it."""

    method: str
    path: str
    """As it was sent, below the address of the cluster."""
    query: str = attrs.field(repr=False)
    headers: Headers = attrs.field(repr=False)
    body: AsyncIterator[bytes] | None = attrs.field(repr=False)
    """What it contains, while it arrives; None without a body."""


@attrs.frozen
class Cluster:
    """Where a cluster is, and what proves there who one is."""

    server_url: str
    authority: str | None
    """The certificates, as PEM, of whom it has to have its own from; None: anybody known."""
    token: str | None = attrs.field(default=None, repr=False)
    certificate: str | None = attrs.field(default=None, repr=False)
    """With its key, as PEM."""


@attrs.frozen
class Declined:
    """What a cluster answers that opens no WebSocket."""

    status: int
    headers: Headers
    body: bytes = attrs.field(repr=False)


class Clusters:
    """Opens what calls clusters when it is needed first, and keeps it."""

    def __init__(self, *, private_allowed: bool) -> None:
        self._private_allowed = private_allowed
        self._opened: RemoteClusters | None = None

    def open(self) -> RemoteClusters:
        """Return what calls the clusters."""
        # Imported late: httpx takes 5 MB, and most servers do without it.
        from agentserver_reference.gateways.clusters.remote import RemoteClusters

        if self._opened is None:
            self._opened = RemoteClusters(private_allowed=self._private_allowed)
        return self._opened

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.close()
