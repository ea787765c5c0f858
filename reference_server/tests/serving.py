"""The server in this process, whose responses are validated, and a client for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from databases import CHEAPEST

from agentserver_reference.app import create_app
from agentserver_reference.settings import Settings

PASSWORD = "correct horse battery staple"


@asynccontextmanager
async def serving(settings: Settings, **arguments: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `create_app(settings, **arguments)`; cookies are for the test to send."""
    app = create_app(settings, **{"validate_responses": True, **arguments})
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield client


def in_memory(**settings: Any) -> Settings:
    """Settings of a server whose state is gone when it stops."""
    environment = settings.pop("environment", {})
    return Settings.from_environment(
        environment, database_url="sqlite://", password_cost=CHEAPEST, **settings
    )


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server with an empty database in memory."""
    async with serving(in_memory()) as connected:
        yield connected


async def session_cookie(client: httpx.AsyncClient, email: str = "alice@example.com") -> str:
    """The Cookie header of a new account's session."""
    account = {"email": email, "password": PASSWORD}
    registered = await client.post("/api/auth/register", json=account)
    assert registered.status_code == 201, registered.text
    logged_in = await client.post("/api/auth/login", json=account)
    assert logged_in.status_code == 200, logged_in.text
    client.cookies.clear()
    return logged_in.headers["set-cookie"].partition(";")[0]
