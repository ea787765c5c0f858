"""A server in process on either database, and the people who call it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest

from agentserver_reference.app import create_app
from agentserver_reference.settings import Settings
from agentserver_reference.storage import Store

PASSWORD = "correct horse battery staple"


@attrs.define
class Clock:
    """The time as the server sees it, moved by the test."""

    now: datetime = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        """Let time pass, in the words of `timedelta`."""
        self.now += timedelta(**duration)


@attrs.frozen
class Person:
    """Somebody with an account and a session."""

    client: httpx.AsyncClient
    id: str
    email: str
    cookie: str

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """The answer to a call with this person's session."""
        return await self.client.request(method, path, json=body, headers={"Cookie": self.cookie})

    async def get(self, path: str) -> httpx.Response:
        """GET `path`."""
        return await self.ask("GET", path)

    async def read(self, path: str) -> Any:
        """What GET `path` shows; it must show something."""
        return ok(await self.get(path)).json()

    async def create_workspace(self, name: str = "A workspace") -> str:
        """The id of a new workspace of this person's."""
        created = ok(await self.ask("POST", "/api/workspaces", {"name": name}))
        workspace_id: str = created.json()["id"]
        return workspace_id


@attrs.frozen
class House:
    """A running server: its client, its clock, its database."""

    client: httpx.AsyncClient
    clock: Clock
    store: Store

    async def register(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """The answer to a registration."""
        return await self.client.post(
            "/api/auth/register", json={"email": email, "password": password}
        )

    async def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """The answer to a log-in; its cookie is not kept."""
        answer = await self.client.post(
            "/api/auth/login", json={"email": email, "password": password}
        )
        self.client.cookies.clear()
        return answer

    async def join(self, email: str) -> Person:
        """Somebody new. The first one is the administrator."""
        account = ok(await self.register(email)).json()
        opened = ok(await self.log_in(email))
        cookie = opened.headers["set-cookie"].partition(";")[0]
        return Person(self.client, account["id"], email, cookie)


def ok(answer: httpx.Response) -> httpx.Response:
    """The answer, which must be a success."""
    request = answer.request
    assert answer.is_success, f"{request.method} {request.url}: {answer.status_code} {answer.text}"
    return answer


def said(answer: httpx.Response) -> tuple[int, str]:
    """The status and the one line of a refusal."""
    assert answer.headers["content-type"] == "text/plain; charset=utf-8", answer.text
    assert answer.text.endswith("\n")
    assert answer.text.count("\n") == 1, answer.text
    return answer.status_code, answer.text.removesuffix("\n")


@asynccontextmanager
async def open_house(settings: Settings, **changes: Any) -> AsyncIterator[House]:
    """A server with these settings, every answer held to the contract."""
    clock = Clock()
    app = create_app(attrs.evolve(settings, **changes), clock=clock, validate_responses=True)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield House(client, clock, app.state.context.store)


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    """A server on an empty database of each kind."""
    async with open_house(settings) as opened:
        yield opened
