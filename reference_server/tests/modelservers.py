"""Servers with a model server: the built-in one, or the built-in one of another server.

The other one is on a real socket, and what it answers can be replaced. A browser that is signed in
goes from page to page, wherever they are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import httpx
from databases import CHEAPEST
from listening import listening
from people import ReferenceServer, User, ok, start_server
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agentserver_reference.app import create_app
from agentserver_reference.settings import Settings

HERE = "http://test"
CALLBACK = f"{HERE}/api/auth/modelserver/callback"
OWN_CONFIG = {
    "base_url": "https://models.example.com/v1",
    "api_key": "sk-own-key-0123456789",
    "models": [{"id": "own", "name": "Own"}],
}


@attrs.define
class Elsewhere:
    """Another server's built-in model server, on a real socket."""

    url: str = ""
    instead: dict[str, Callable[[], Response]] = attrs.field(factory=dict)
    """What is answered instead, by path."""
    asked: list[str] = attrs.field(factory=list)
    """The paths that were asked."""
    headers: list[dict[str, str]] = attrs.field(factory=list)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with other answers."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.asked.append(scope["path"])
                raw: list[tuple[bytes, bytes]] = scope["headers"]
                self.headers.append({name.decode(): value.decode() for name, value in raw})
                if scope["path"] in self.instead:
                    await self.instead[scope["path"]]()(scope, receive, send)
                    return
            await app(scope, receive, send)

        return serve


@asynccontextmanager
async def elsewhere(folder: Path) -> AsyncIterator[Elsewhere]:
    """Start the other server."""
    made = Elsewhere()
    settings = Settings.from_environment(
        {},
        database_url=f"sqlite:///{folder / 'elsewhere.db'}",
        data_dir=folder,
        password_cost=CHEAPEST,
        modelserver_auth_url="built-in",
        modelserver_redirect_uri=CALLBACK,
    )
    app = create_app(settings)
    app.add_middleware(made.around)
    async with listening(app) as running:
        made.url = f"http://{running.address}/modelserver"
        yield made


def settings_for(made: Elsewhere) -> dict[str, str]:
    """The settings of a server whose model server this is."""
    return {
        "modelserver_auth_url": f"{made.url}/authorize",
        "modelserver_token_url": f"{made.url}/token",
        "modelserver_introspect_url": f"{made.url}/introspect",
        "modelserver_proxy_url": made.url,
        "modelserver_client_id": "agentserver",
        "modelserver_redirect_uri": CALLBACK,
    }


@attrs.frozen
class Connecting:
    """A server with a model server, and a workspace with an owner and an endpoint of its own."""

    server: ReferenceServer
    owner: User
    workspace_id: str

    def path(self, what: str) -> str:
        """The path of an operation on the workspace."""
        return f"/api/workspaces/{self.workspace_id}/modelserver/{what}"

    async def page(self, user: User | None = None) -> str:
        """Begin a connection, and return the address of the page."""
        answer = await (user or self.owner).get(self.path("connect"))
        assert answer.status_code == 302, answer.text
        location: str = answer.headers["location"]
        return location

    async def permitted(self, page: str) -> str:
        """Open the page, and return the address to which the browser is sent back."""
        if page.startswith(HERE):
            answer = await self.server.client.get(page)
        else:
            async with httpx.AsyncClient() as browser:
                answer = await browser.get(page)
        assert answer.status_code == 302, answer.text
        location: str = answer.headers["location"]
        assert location.startswith(CALLBACK), location
        return location

    async def come_back(self, address: str, user: User | None = None) -> httpx.Response:
        """Come back from the page."""
        return await (user or self.owner).get(address)

    async def connect(self) -> dict[str, str]:
        """Connect the workspace; what the last address says."""
        return told(await self.come_back(await self.permitted(await self.page())))

    async def status(self) -> dict[str, Any]:
        """What members are shown."""
        shown: dict[str, Any] = await self.owner.read(self.path("status"))
        return shown

    async def own_config(self) -> dict[str, Any]:
        """The workspace's own endpoint."""
        path = f"/api/workspaces/{self.workspace_id}/llm-config"
        config: dict[str, Any] = await self.owner.read(path)
        return config


def told(answer: httpx.Response) -> dict[str, str]:
    """What an address tells the web interface, which must be that of a workspace."""
    assert answer.status_code == 302, f"{answer.status_code} {answer.text}"
    parts = urlsplit(answer.headers["location"])
    assert parts.path.startswith("/workspaces/"), parts
    return {name: value for name, (value,) in parse_qs(parts.query).items()}


@asynccontextmanager
async def connecting(settings: Settings, **changes: Any) -> AsyncIterator[Connecting]:
    """Start a server with these settings."""
    async with start_server(settings, **changes) as server:
        owner = await server.create_user("ada@example.com")
        workspace_id = await owner.create_workspace()
        path = f"/api/workspaces/{workspace_id}/llm-config"
        ok(await owner.request("PUT", path, OWN_CONFIG))
        yield Connecting(server, owner, workspace_id)
