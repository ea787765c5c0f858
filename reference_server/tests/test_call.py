"""What a handler can rely on: its right to write is checked once more where it writes."""

from typing import Any

import pytest
from serving import in_memory, serving, session_cookie

from agentserver_reference.call import Call, Reply
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.handlers import workspaces
from agentserver_reference.storage import sessions
from agentserver_reference.storage.engine.connection import Connection

pytestmark = pytest.mark.anyio


async def test_a_session_that_ends_during_a_call_writes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[Connection] = []

    async def create_workspace(call: Call) -> Reply:
        assert call.session_token is not None
        await call.services.store.write(sessions.end, token_hash(call.session_token))
        return Reply(201, await call.write(written.append))

    create_workspace.__module__ = workspaces.__name__
    monkeypatch.setattr(workspaces, "create_workspace", create_workspace)
    async with serving(in_memory()) as client:
        headers = {"cookie": await session_cookie(client)}
        response = await client.post("/api/workspaces", json={"name": "W"}, headers=headers)
    assert (response.status_code, response.text) == (401, "unauthorized\n")
    assert not written


async def test_a_call_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    async def create_workspace(call: Call) -> Reply:
        shown.append(repr(call) + str(call))
        time = "2026-01-01T00:00:00Z"
        body: dict[str, Any] = {"id": "w", "name": "W", "created_at": time, "updated_at": time}
        return Reply(201, body)

    create_workspace.__module__ = workspaces.__name__
    monkeypatch.setattr(workspaces, "create_workspace", create_workspace)
    async with serving(in_memory(encryption_key="6b" * 32)) as client:
        cookie = await session_cookie(client)
        await client.post("/api/workspaces", json={"name": "s3cret"}, headers={"cookie": cookie})
    (text,) = shown
    assert "create_workspace" in text
    for secret in (cookie.partition("=")[2], "s3cret", "6b" * 32, repr(b"k" * 32)):
        assert secret not in text
