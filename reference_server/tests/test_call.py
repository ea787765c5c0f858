"""What a handler can rely on: its call shows no secret, and tells what it does not have."""

from typing import Any

import pytest
from serving import in_memory, serving, session_cookie

from agentserver_reference.call import Call
from agentserver_reference.handlers import health, workspaces
from agentserver_reference.replies import Reply

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize(
    ("ask", "line"),
    [
        (lambda call: call.user_id, "check_health requires no account: there may be none"),
        (lambda call: call.json, "check_health requires no body, so there may be none"),
    ],
)
async def test_a_handler_cannot_use_what_its_operation_does_not_require(
    monkeypatch: pytest.MonkeyPatch, ask: Any, line: str
) -> None:
    async def check_health(call: Call) -> Reply:
        ask(call)
        return Reply(200)

    check_health.__module__ = health.__name__
    monkeypatch.setattr(health, "check_health", check_health)
    async with serving(in_memory()) as client:
        with pytest.raises(RuntimeError, match=line):
            await client.get("/healthz")
