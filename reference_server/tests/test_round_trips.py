"""How often a request waits for PostgreSQL, which is what a request costs there."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from databases import CHEAPEST, KEY
from people import User, start_server

from agentserver_reference.settings import Settings

pytestmark = pytest.mark.anyio

# Set in the request alone: the server's own jobs ask the database whenever they are due.
in_request: ContextVar[bool] = ContextVar("in_request", default=False)

REQUESTS: dict[str, tuple[Callable[[User, str], Awaitable[Any]], list[str]]] = {
    "read": (
        lambda user, workspace: user.read(f"/api/workspaces/{workspace}"),
        ["SELECT", "SELECT"],
    ),
    "rename": (
        lambda user, workspace: user.request(
            "PATCH", f"/api/workspaces/{workspace}", {"name": "renamed"}
        ),
        ["SELECT", "WITH"],  # the change with its locks and the check of the permission
    ),
    "create": (
        lambda user, _: user.create_workspace(),
        ["SELECT", "BEGIN", *["SELECT"] * 3, "INSERT", "INSERT", "COMMIT"],
    ),
}


@pytest.mark.parametrize(("request_of", "statements"), REQUESTS.values(), ids=REQUESTS)
async def test_a_request_sends_no_more_statements_than_it_needs(
    postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request_of: Callable[[User, str], Awaitable[Any]],
    statements: list[str],
) -> None:
    settings = Settings.from_environment(
        {}, database_url=postgres_url, data_dir=tmp_path, encryption_key=KEY, password_cost=CHEAPEST
    )
    sent: list[str] = []
    async with start_server(settings) as server:
        alice = await server.create_user("alice@example.com")
        workspace = await alice.create_workspace()
        for name in ("fetch", "execute"):
            original = getattr(asyncpg.Connection, name)

            async def noting(
                self: Any, query: str, *arguments: Any, original: Any = original
            ) -> Any:
                if in_request.get():
                    sent.append(query.split(maxsplit=1)[0])
                return await original(self, query, *arguments)

            monkeypatch.setattr(asyncpg.Connection, name, noting)
        in_request.set(True)
        await request_of(alice, workspace)
        monkeypatch.undo()
    assert sent == statements
