"""A server in this process, on either database, and its users."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest

from agentserver_reference.app import create_app
from agentserver_reference.context import Context
from agentserver_reference.settings import Settings
from agentserver_reference.storage import Store

PASSWORD = "correct horse battery staple"


@attrs.define
class Clock:
    """The server's clock, which the test controls."""

    now: datetime = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        """Advance the time, with the arguments of `timedelta`."""
        self.now += timedelta(**duration)


@attrs.frozen
class User:
    """A user with a session."""

    client: httpx.AsyncClient
    id: str
    email: str
    cookie: str

    async def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request with this user's session."""
        return await self.client.request(method, path, json=body, headers={"Cookie": self.cookie})

    async def get(self, path: str) -> httpx.Response:
        """GET `path`."""
        return await self.request("GET", path)

    async def read(self, path: str) -> Any:
        """Return the JSON of GET `path`, which must succeed."""
        return ok(await self.get(path)).json()

    async def create_workspace(self, name: str = "A workspace") -> str:
        """Create a workspace and return its id."""
        created = ok(await self.request("POST", "/api/workspaces", {"name": name}))
        workspace_id: str = created.json()["id"]
        return workspace_id


@attrs.frozen
class ReferenceServer:
    """A running server: client, clock and database."""

    client: httpx.AsyncClient
    clock: Clock
    context: Context

    @property
    def store(self) -> Store:
        """Its database."""
        return self.context.store

    async def register(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """Register an account."""
        return await self.client.post(
            "/api/auth/register", json={"email": email, "password": password}
        )

    async def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """Log in; the client does not store the cookie."""
        answer = await self.client.post(
            "/api/auth/login", json={"email": email, "password": password}
        )
        self.client.cookies.clear()
        return answer

    async def create_user(self, email: str) -> User:
        """Create a user with a session. The first one is the administrator."""
        account = ok(await self.register(email)).json()
        opened = ok(await self.log_in(email))
        cookie = opened.headers["set-cookie"].partition(";")[0]
        return User(self.client, account["id"], email, cookie)


def ok(answer: httpx.Response) -> httpx.Response:
    """Return the response, which must be successful."""
    request = answer.request
    assert answer.is_success, f"{request.method} {request.url}: {answer.status_code} {answer.text}"
    return answer


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the line of an error."""
    assert answer.headers["content-type"] == "text/plain; charset=utf-8", answer.text
    assert answer.text.endswith("\n")
    assert answer.text.count("\n") == 1, answer.text
    return answer.status_code, answer.text.removesuffix("\n")


@asynccontextmanager
async def start_server(settings: Settings, **changes: Any) -> AsyncIterator[ReferenceServer]:
    """Start a server with these settings, whose responses are validated against the contract."""
    clock = Clock()
    app = create_app(attrs.evolve(settings, **changes), clock=clock, validate_responses=True)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield ReferenceServer(client, clock, app.state.context)


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[ReferenceServer]:
    """A server on an empty database, once on each kind."""
    async with start_server(settings) as opened:
        yield opened
