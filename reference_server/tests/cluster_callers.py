"""Sandboxes that call clusters by the proxy of a server, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import httpx
from calling import Caller, add_caller
from cluster_stand_in import ClusterStandIn
from databases import KEY
from listening import listening
from people import Clock, ReferenceServer, User, ok
from serving import in_memory
from sqlalchemy import update

from agentserver_reference.app import create_app
from agentserver_reference.storage import tables

SECRET = "eXaMpLe-Secret-0123456789"
SECONDS = 20


@attrs.frozen
class Proxy:
    """A server on a real socket, a sandbox in it, and a cluster."""

    server: ReferenceServer
    owner: User
    caller: Caller
    cluster: ClusterStandIn

    async def keep(self, config: str | None = None, name: str = "Production") -> str:
        """Keep a credential of the sandbox's workspace, and return its id."""
        path = f"/api/workspaces/{self.caller.workspace_id}/credentials/k8s"
        body = {"display_name": name, "config": config or self.cluster.kubeconfig(token=SECRET)}
        binding_id: str = ok(await self.owner.request("POST", path, body)).json()["id"]
        return binding_id

    async def ask(
        self, binding_id: str, path: str = "/api/v1/pods", method: str = "GET", **content: Any
    ) -> httpx.Response:
        """Call the cluster with the sandbox's token."""
        request = self.request(binding_id, path, method, **content)
        return await self.server.client.send(request)

    def request(
        self, binding_id: str, path: str = "/api/v1/pods", method: str = "GET", **content: Any
    ) -> httpx.Request:
        """A call of the cluster with the sandbox's token."""
        headers = {"Authorization": f"Bearer {self.caller.token}", **content.pop("headers", {})}
        return self.server.client.build_request(
            method, f"/k8s/{binding_id}{path}", headers=headers, **content
        )

    async def change_state(self, status: str) -> None:
        """Put the sandbox into a state."""
        await self.server.store.write(
            lambda conn: conn.execute(
                update(tables.sandboxes)
                .where(tables.sandboxes.c.id == self.caller.id)
                .values(status=status)
            )
        )


@asynccontextmanager
async def opened(
    folder: Path, *, pings: float = 20.0, **changes: Any
) -> AsyncIterator[ReferenceServer]:
    """A server on a real socket."""
    allowed = {"private_addresses_allowed": True, **changes}
    clock = Clock()
    app = create_app(in_memory(data_dir=folder, encryption_key=KEY, **allowed), clock=clock)
    async with listening(app, pings=pings) as running:
        base_url = f"http://{running.address}"
        async with httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
            yield ReferenceServer(client, clock, app.state.context)


async def proxy_of(server: ReferenceServer, cluster: ClusterStandIn) -> Proxy:
    """A new sandbox, in a new workspace of a new person."""
    name = uuid4().hex
    owner = await server.create_user(f"{name}@example.com")
    return Proxy(server, owner, await add_caller(server, owner, name), cluster)
