"""Turns of codex: who may submit them, threads, keys, ends, and what the log says of them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
import httpx
import pytest
from people import ReferenceServer, User, error_of, ok, start_server

from agentserver_reference.domain import turns as domain
from agentserver_reference.domain.turns import Outcome
from agentserver_reference.gateways.codex.embedded import INTRODUCTION
from agentserver_reference.gateways.codex.protocol import Host, TurnRequest
from agentserver_reference.services import turns
from agentserver_reference.services.turn_log import TurnLog
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings
from agentserver_reference.storage.engine.connection import Connection

pytestmark = pytest.mark.anyio

PARAMS = {"input": [{"type": "text", "text": "What does the parser do?"}]}


@attrs.frozen
class Agent:
    """The coding agent of a workspace, over HTTP."""

    server: ReferenceServer
    owner: User
    workspace_id: str

    async def submit(self, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
        body = {"workspaceId": self.workspace_id, "params": PARAMS, **changes}
        credential = {"Cookie": self.owner.cookie}
        return await self.server.client.post(
            "/api/turns", json=body, headers=credential if headers is None else headers
        )

    async def run(self, key: str | None = None, **changes: Any) -> dict[str, Any]:
        headers = {"Cookie": self.owner.cookie}
        headers |= {} if key is None else {"Idempotency-Key": key}
        answer: dict[str, Any] = ok(await self.submit(headers, **changes)).json()
        return answer

    async def log(self, query: str = "") -> list[dict[str, Any]]:
        read = await self.owner.read(f"/api/workspaces/{self.workspace_id}/operations{query}")
        rows: list[dict[str, Any]] = read["operations"]
        return rows

    async def elsewhere(self) -> "Agent":
        """The agent of another workspace of the same person."""
        return attrs.evolve(self, workspace_id=await self.owner.create_workspace())

    async def bot(self) -> tuple[str, dict[str, str]]:
        """The id of a new API key, and the header with it."""
        path = f"/api/workspaces/{self.workspace_id}/api-keys"
        body = {"name": "Bot", "scopes": ["turns:submit"]}
        made = ok(await self.owner.request("POST", path, body)).json()
        return made["id"], {"Authorization": f"Bearer {made['secret']}"}


async def agent_of(server: ReferenceServer) -> Agent:
    owner = await server.create_user("owner@example.com")
    return Agent(server, owner, await owner.create_workspace())


@pytest.fixture
async def agent(server: ReferenceServer) -> Agent:
    return await agent_of(server)


# --- the built-in engine --------------------------------------------------------------------------


async def test_the_built_in_engine_answers_through_the_proxy_and_says_what_it_is(
    agent: Agent,
) -> None:
    answer = await agent.run()
    asked, said = answer["turn"]["items"]
    assert answer["turn"]["status"] == "completed"
    assert asked["content"] == PARAMS["input"]
    assert said["text"].startswith(INTRODUCTION)
    assert "What does the parser do?" in said["text"]
    traces = await agent.owner.read(f"/api/workspaces/{agent.workspace_id}/traces")
    assert traces["total"] == 1, "the model was asked through the proxy, which counts and records"


async def test_a_used_up_quota_fails_the_turn_as_codex_classifies_it(settings: Settings) -> None:
    async with start_server(settings, llm_proxy_default_max_rpd=1) as server:
        agent = await agent_of(server)
        await agent.run()
        turn = (await agent.run())["turn"]
        assert turn["status"] == "failed"
        assert turn["error"]["codexErrorInfo"] == "usageLimitExceeded"
        assert [row["is_error"] for row in await agent.log()].count(True) == 1


async def test_without_a_proxy_turns_fail_and_say_why(settings: Settings) -> None:
    async with start_server(settings, llm_proxy_url="off") as server:
        turn = (await (await agent_of(server)).run())["turn"]
        assert (turn["status"], turn["error"]["message"]) == ("failed", "llmproxy not configured")


@pytest.mark.parametrize("params", [{}, {"input": "words"}, {"input": ["words"]}])
async def test_what_codex_cannot_read_is_an_error_of_its_protocol(
    agent: Agent, params: dict[str, Any]
) -> None:
    answer = await agent.run(params=params)
    assert answer["transport"]["code"] == "codexRPCError"
    assert answer["threadId"]


# --- who may --------------------------------------------------------------------------------------


async def test_an_api_key_submits_turns_in_its_own_workspace_only(agent: Agent) -> None:
    other = await agent.elsewhere()
    _, bot = await agent.bot()
    assert ok(await agent.submit(bot)).json()["turn"]["status"] == "completed"
    assert error_of(await other.submit(bot)) == (403, "not a workspace member")
    assert [row.get("user_id") for row in await agent.log()] == [None]


async def test_a_revoked_key_submits_nothing(agent: Agent) -> None:
    key_id, bot = await agent.bot()
    path = f"/api/workspaces/{agent.workspace_id}/api-keys/{key_id}"
    ok(await agent.owner.request("DELETE", path))
    assert error_of(await agent.submit(bot)) == (401, "unauthorized")
    assert await agent.log() == []


async def test_a_key_without_the_scope_is_refused_by_name(agent: Agent) -> None:
    _, bot = await agent.bot()

    def take_scope(conn: Connection) -> None:
        from sqlalchemy import update

        from agentserver_reference.storage import tables

        conn.execute(update(tables.api_keys).values(scopes=["turns:read"]), {})

    await agent.server.store.write(take_scope)
    refused = error_of(await agent.submit(bot))
    assert refused == (403, "the credential lacks the scope turns:submit")


@pytest.mark.parametrize("role", ["guest", "developer"])
async def test_developers_submit_and_guests_do_not(agent: Agent, role: str) -> None:
    member = await agent.server.create_user("member@example.com")
    body = {"email": member.email, "role": role}
    path = f"/api/workspaces/{agent.workspace_id}/members"
    ok(await agent.owner.request("POST", path, body))
    answer = await agent.submit({"Cookie": member.cookie})
    assert answer.status_code == (403 if role == "guest" else 200)
    assert [row["user_id"] for row in await agent.log()] == [member.id][: role != "guest"]


async def test_the_body_is_read_after_the_credential_and_before_the_role(agent: Agent) -> None:
    outsider = {"Cookie": (await agent.server.create_user("other@example.com")).cookie}
    invalid = {"params": None}
    assert error_of(await agent.submit({}, **invalid)) == (401, "unauthorized")
    assert (await agent.submit(outsider, **invalid)).status_code == 400
    assert error_of(await agent.submit(outsider)) == (403, "not a workspace member")
    unknown = await agent.submit(workspaceId="no-such-workspace")
    assert error_of(unknown) == (403, "not a workspace member")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"params": None}, "params: must be an object"),
        ({"params": []}, "params: must be an object"),
        ({"params": {"threadId": "t"}}, "params: must not have a threadId"),
        ({"timeoutMs": 0}, "timeoutMs: must be at least 1"),
        ({"timeoutMs": 3_600_001}, "timeoutMs: must be at most 3600000"),
        ({"threadId": "no-such-thread"}, "threadId: must be a thread of the workspace"),
    ],
)
async def test_errors_of_the_caller_are_400_and_no_turn(
    agent: Agent, changes: dict[str, Any], line: str
) -> None:
    status, text = error_of(await agent.submit(**changes))
    assert (status, text[: len(line)]) == (400, line)
    assert await agent.log() == []


# --- threads --------------------------------------------------------------------------------------


async def test_a_thread_goes_on_and_belongs_to_its_workspace(agent: Agent) -> None:
    first = await agent.run()
    second = await agent.run(threadId=first["threadId"])
    assert second["threadId"] == first["threadId"] != (await agent.run())["threadId"]
    other = await agent.elsewhere()
    refused = await other.submit(threadId=first["threadId"])
    assert error_of(refused) == (400, "threadId: must be a thread of the workspace")


class Slow:
    """An engine whose turns end when the test says so."""

    def __init__(self) -> None:
        self.begun: list[TurnRequest] = []
        self.interrupted: list[str] = []
        self.goes_on = anyio.Event()
        self._changed = anyio.Event()

    async def run(self, request: TurnRequest, host: Host) -> Outcome:
        self.begun.append(request)
        self._change()
        thread_id = request.thread_id or f"thread-{len(self.begun)}"
        try:
            await self.goes_on.wait()
        except BaseException:
            self.interrupted.append(request.turn_id)
            self._change()
            raise
        turn = {"id": request.turn_id, "status": "completed", "items": []}
        return Outcome(thread_id, turn=turn)

    async def close(self) -> None:
        """Nothing is open."""

    def _change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def until(self, *, begun: int = 0, interrupted: int = 0) -> None:
        """Wait until so many turns have begun and were interrupted."""
        with anyio.fail_after(10):
            while len(self.begun) < begun or len(self.interrupted) < interrupted:
                await self._changed.wait()


@asynccontextmanager
async def slow_agent(settings: Settings) -> AsyncIterator[tuple[Agent, Slow]]:
    async with start_server(settings) as server:
        agent, engine = await agent_of(server), Slow()
        thread_id = (await agent.run())["threadId"]
        assert thread_id
        object.__setattr__(server.context, "codex", engine)
        yield agent, engine
        engine.goes_on.set()


async def threads_of(agent: Agent) -> str:
    """The thread of the one turn that has ended."""
    thread_id: str = (await agent.log())[-1]["thread_id"]
    return thread_id


async def test_a_thread_has_one_turn_at_a_time_and_others_run_beside_it(
    settings: Settings,
) -> None:
    async with slow_agent(settings) as (agent, engine):
        thread_id = await threads_of(agent)
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(agent.run(threadId=thread_id))
            await engine.until(begun=1)
            others = [tasks.create_task(agent.run()) for _ in range(3)]
            await engine.until(begun=4)
            busy = await agent.submit(threadId=thread_id)
            assert error_of(busy) == (409, "another turn of the thread is under way")
            engine.goes_on.set()
        assert first.result()["threadId"] == thread_id
        assert len({each.result()["threadId"] for each in others}) == 3
        await agent.run(threadId=thread_id)


async def test_of_simultaneous_turns_of_a_thread_one_runs(settings: Settings) -> None:
    async with slow_agent(settings) as (agent, engine):
        thread_id = await threads_of(agent)
        calls = [
            asyncio.ensure_future(agent.submit(threadId=thread_id, timeoutMs=1000 + number))
            for number in range(5)
        ]
        await engine.until(begun=1)
        refused = asyncio.as_completed(calls)
        assert [(await next(refused)).status_code for _ in range(4)] == [409] * 4
        engine.goes_on.set()
        statuses = [(await each).status_code for each in calls]
        assert sorted(statuses) == [200, 409, 409, 409, 409]
        assert len(engine.begun) == 1


# --- time -----------------------------------------------------------------------------------------


async def test_a_turn_that_takes_too_long_is_a_timeout_of_its_thread(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> tuple[int, bytes]:
        await anyio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(turns, "_model_of", lambda *_: never)
    answer = await agent.run(timeoutMs=20)
    message = "the turn was not completed within 20 ms"
    assert answer["transport"] == {"code": "brokerTimeout", "message": message}
    (row,) = await agent.log()
    assert (row["is_error"], row["result_summary"]) == (True, message)
    monkeypatch.undo()
    assert (await agent.run(threadId=answer["threadId"]))["turn"]["status"] == "completed"


# --- keys -----------------------------------------------------------------------------------------


async def test_the_same_key_and_body_are_the_same_turn_for_a_day(agent: Agent) -> None:
    first = await agent.run(key="k")
    agent.server.clock.advance(hours=24, seconds=-1)
    assert await agent.run(key="k") == first
    assert len(await agent.log()) == 1
    other = await (await agent.elsewhere()).run(key="k")
    assert other["turn"]["id"] != first["turn"]["id"]
    agent.server.clock.advance(seconds=1)
    again = await agent.run(key="k")
    assert again["turn"]["id"] != first["turn"]["id"]
    assert len(await agent.log()) == 2


async def test_the_same_key_with_another_body_is_a_conflict(agent: Agent) -> None:
    await agent.run(key="k")
    headers = {"Cookie": agent.owner.cookie, "Idempotency-Key": "k"}
    refused = await agent.submit(headers, timeoutMs=1000)
    assert error_of(refused) == (409, "Idempotency-Key: was used with another body")
    assert len(await agent.log()) == 1


@pytest.mark.parametrize("key", ["", "two words", "ü", "k" * 256])
async def test_a_key_that_is_none_is_refused(agent: Agent, key: str) -> None:
    headers = {"Cookie": agent.owner.cookie, "Idempotency-Key": key}
    body = {"workspaceId": agent.workspace_id, "params": PARAMS}
    encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answer = await agent.server.client.post("/api/turns", json=body, headers=encoded)
    status, line = error_of(answer)
    assert (status, line.partition(":")[0]) == (400, "Idempotency-Key")


async def test_a_repeat_waits_for_the_turn_that_is_under_way(settings: Settings) -> None:
    async with slow_agent(settings) as (agent, engine):
        async with asyncio.TaskGroup() as tasks:
            both = [tasks.create_task(agent.run(key="k")) for _ in range(2)]
            await engine.until(begun=1)
            engine.goes_on.set()
        first, second = (each.result() for each in both)
        assert first == second
        assert len(engine.begun) == 1


# --- hanging up -----------------------------------------------------------------------------------


async def hang_up(call: "asyncio.Task[Any]") -> None:
    call.cancel()
    await asyncio.wait([call])


async def test_hanging_up_interrupts_that_turn_and_no_other(settings: Settings) -> None:
    async with slow_agent(settings) as (agent, engine):
        calls = [asyncio.ensure_future(agent.run()) for _ in range(2)]
        await engine.until(begun=2)
        await hang_up(calls[0])
        await engine.until(interrupted=1)
        engine.goes_on.set()
        assert (await calls[1])["turn"]["status"] == "completed"
        assert len(engine.interrupted) == 1


async def test_with_a_key_the_turn_goes_on_and_the_repeat_waits_for_it(settings: Settings) -> None:
    async with slow_agent(settings) as (agent, engine):
        call = asyncio.ensure_future(agent.run(key="k"))
        await engine.until(begun=1)
        await hang_up(call)
        engine.goes_on.set()
        again = await agent.run(key="k")
        assert again["turn"]["id"] == engine.begun[0].turn_id
        assert (len(engine.begun), engine.interrupted) == (1, [])


# --- ends -----------------------------------------------------------------------------------------


async def begin_elsewhere(agent: Agent, thread_id: str, key: str | None, body_hash: str) -> None:
    """Begin a turn as another process does, of which nothing more is heard."""
    server = agent.server
    log = TurnLog(UnitOfWork(server.context), agent.workspace_id, "sdk", "request", None)

    def begin(conn: Connection) -> None:
        running = turns._Running(
            TurnRequest("dead", agent.workspace_id, thread_id, PARAMS, 60, log.note_item),
            {
                "id": "00000000-0000-0000-0000-000000000001",
                "workspace_id": agent.workspace_id,
                "source": "sdk",
                "env_id": "local",
                "tool": "turn",
                "started_at": "2026-11-23T10:00:00.000000Z",
            },
            server.clock.now,
        )
        turns._begin(conn, running, key, body_hash)

    await server.store.write(begin)


async def test_a_turn_ends_at_once_when_its_server_stops(settings: Settings) -> None:
    async with slow_agent(settings) as (agent, engine):
        call = asyncio.ensure_future(agent.run())
        await engine.until(begun=1)
        agent.server.context.stopping.set()
        stopped = {"code": domain.DISCONNECT, "message": "the server was stopped"}
        assert (await call)["transport"] == stopped
        assert engine.interrupted == [engine.begun[0].turn_id]
        row = next(row for row in await agent.log() if row["is_error"])
        assert row["result_summary"] == stopped["message"]


async def test_a_server_that_stops_does_not_wait_for_the_turn_of_another(agent: Agent) -> None:
    thread_id = (await agent.run())["threadId"]
    body = {"workspaceId": agent.workspace_id, "params": PARAMS, "threadId": thread_id}
    await begin_elsewhere(agent, thread_id, "k", domain.hash_of(body))
    agent.server.context.stopping.set()
    headers = {"Cookie": agent.owner.cookie, "Idempotency-Key": "k"}
    answer = ok(await agent.submit(headers, threadId=thread_id)).json()
    assert answer["transport"]["code"] == domain.DISCONNECT
    assert answer["threadId"] == thread_id


async def test_a_turn_whose_server_has_died_ends_and_frees_its_thread(settings: Settings) -> None:
    async with start_server(settings) as server:
        agent = await agent_of(server)
        thread_id = (await agent.run())["threadId"]
        await begin_elsewhere(agent, thread_id, None, "h")
        work = UnitOfWork(server.context)
        server.clock.advance(seconds=60)
        await turns.end_lost(work)
        assert (await agent.submit(threadId=thread_id)).status_code == 409
        server.clock.advance(seconds=1)
        await turns.end_lost(work)
        row = next(row for row in await agent.log() if row["is_error"])
        assert row["result_summary"] == "the server that ran the turn has ended"
        assert row["duration_ms"] == 61_000
        await agent.run(threadId=thread_id)


async def test_a_turn_goes_with_its_workspace(settings: Settings) -> None:
    async with slow_agent(settings) as (agent, engine):
        call = asyncio.ensure_future(agent.run())
        await engine.until(begun=1)
        path = f"/api/workspaces/{agent.workspace_id}"
        ok(await agent.owner.request("DELETE", path))
        engine.goes_on.set()
        assert (await call)["turn"]["status"] == "completed"


async def test_turns_are_forgotten_a_day_after_their_end(agent: Agent) -> None:
    await agent.run(key="a")
    agent.server.clock.advance(seconds=1)
    await agent.run(key="b")
    agent.server.clock.advance(hours=24, seconds=-1)
    assert await turns.remove_old(UnitOfWork(agent.server.context)) == 1
    assert len(await agent.log()) == 2


def test_the_body_of_a_key_is_told_apart_whatever_the_order_of_its_fields() -> None:
    body = {"a": {"b": 1, "c": [1, 2]}, "d": None}
    turned = json.loads('{"d": null, "a": {"c": [1, 2], "b": 1}}')
    assert domain.hash_of(body) == domain.hash_of(turned)
    assert domain.hash_of(body) != domain.hash_of(body | {"d": 1})
