"""What runs turns: the built-in engine, codex and a gateway, by one set of tests; and each alone.

A program of ours stands in for codex: `codex_stand_in.py`.
"""

import asyncio
import json
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from databases import CHEAPEST, KEY
from listening import SECONDS, listening
from machines import sign_up, until
from people import User, error_of, ok
from remotes import Remote, connecting
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from timeline import Timeline

from agentserver_reference.app import create_app
from agentserver_reference.context import Context
from agentserver_reference.gateways.codex.embedded import BuiltInEngine
from agentserver_reference.gateways.codex.protocol import TurnRequest
from agentserver_reference.sandbox_backends.linux import Family, ProcessId, mark
from agentserver_reference.services import turn_log, turns
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings, SettingsError

pytestmark = pytest.mark.anyio

STAND_IN = shlex.join([sys.executable, str(Path(__file__).with_name("codex_stand_in.py"))])
CODEX, BUILT_IN, REMOTE = "codex", "built-in", "remote"
SECRET = "a secret of the services"
SAID = "This is the built-in model of agentserver, not a language model."


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment(
        {},
        database_url=f"sqlite:///{tmp_path / 'test.db'}",
        data_dir=tmp_path / "data",
        encryption_key=KEY,
        password_cost=CHEAPEST,
    )


@attrs.frozen
class Site:
    """A server on a real socket, with a workspace."""

    client: httpx.AsyncClient
    context: Context
    timeline: Timeline
    owner: User
    workspace_id: str

    async def submit(self, text: Any, **changes: Any) -> httpx.Response:
        said = [{"type": "text", "text": text}] if isinstance(text, str) else text
        body = {"workspaceId": self.workspace_id, "params": {"input": said}, **changes}
        return await self.owner.request("POST", "/api/turns", body)

    async def run(self, text: Any, **changes: Any) -> dict[str, Any]:
        answer: dict[str, Any] = ok(await self.submit(text, **changes)).json()
        return answer

    async def log(self) -> list[dict[str, Any]]:
        path = f"/api/workspaces/{self.workspace_id}/operations"
        rows: list[dict[str, Any]] = (await self.owner.read(path))["operations"]
        return rows

    @property
    def processes(self) -> list[int]:
        """Those of codex that run."""
        server = str(ProcessId.of_this_process())
        return Family(None, mark("AGENTSERVER_CODEX_SERVER", server)).members()


@attrs.define
class Gateway:
    """Stands in for the gateway of codex: the built-in engine, behind the gateway's own route."""

    contexts: list[Context] = attrs.field(factory=list)
    """That of the server which calls it."""
    asked: list[dict[str, Any]] = attrs.field(factory=list)
    interrupted: asyncio.Event = attrs.field(factory=asyncio.Event)
    instead: tuple[int, Any] | None = None
    """What is answered instead."""

    async def answer(self, request: Request) -> Response:
        if request.headers.get("x-internal-secret") != SECRET:
            return Response("unauthorized", 401)
        body = await request.json()
        self.asked.append(body)
        if self.instead is not None:
            return JSONResponse(self.instead[1], self.instead[0])
        if "wait" in str(body["params"]):
            while not await request.is_disconnected():  # noqa: ASYNC110 - Starlette has no event
                await asyncio.sleep(0.01)
            self.interrupted.set()
        (context,) = self.contexts
        log = turn_log.TurnLog(UnitOfWork(context), body["workspaceId"], "sdk", "r", None)
        turn = TurnRequest(
            context.ids(),
            body["workspaceId"],
            body["threadId"],
            body["params"],
            body["timeoutMs"] / 1000,
            log.note_item,
        )
        host = turns.host_of(UnitOfWork(context), body["workspaceId"])
        outcome = await BuiltInEngine(context.clock, context.ids).run(turn, host)
        return JSONResponse(outcome.answer)


@asynccontextmanager
async def behind_a_gateway(settings: Settings, gateway: Gateway) -> AsyncIterator[Site]:
    """A server whose turns a gateway runs."""
    app = Starlette(routes=[Route("/api/turns", gateway.answer, methods=["POST"])])
    async with listening(app) as ready:
        url = f"http://{ready.address}"
        own = attrs.evolve(settings, codex_app_gateway_rest_url=url, internal_api_secret=SECRET)
        async with site(own, None) as opened:
            gateway.contexts.append(opened.context)
            yield opened


@asynccontextmanager
async def site(
    settings: Settings, command: str | None, owner: User | None = None, workspace_id: str = ""
) -> AsyncIterator[Site]:
    """A server whose codex is started by this command; the built-in engine without one."""
    timeline, address = Timeline(), ""
    own = attrs.evolve(settings, codex=None if command is None else tuple(shlex.split(command)))
    app = create_app(
        own,
        clock=timeline,
        wait=timeline.wait,
        validate_responses=True,
        url=lambda: f"http://{address}",
    )
    async with listening(app) as ready:
        address = ready.address
        url = f"http://{address}"
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
            if owner is None:
                owner = await sign_up(client, "owner@example.com")
                workspace_id = await owner.create_workspace()
            owner = attrs.evolve(owner, client=client)
            yield Site(client, app.state.context, timeline, owner, workspace_id)


@pytest.fixture(params=[BUILT_IN, CODEX, REMOTE])
async def either(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Site]:
    """Each engine."""
    if request.param == REMOTE:
        async with behind_a_gateway(settings, Gateway()) as opened:
            yield opened
        return
    async with site(settings, STAND_IN if request.param == CODEX else None) as opened:
        yield opened


@pytest.fixture
async def codex(settings: Settings) -> AsyncIterator[Site]:
    async with site(settings, STAND_IN) as opened:
        yield opened


# --- all -----------------------------------------------------------------------------------------


async def test_a_turn_is_completed_with_what_the_workspaces_model_says(either: Site) -> None:
    answer = await either.run("Hello")
    asked, said = answer["turn"]["items"]
    assert answer["turn"]["status"] == "completed"
    assert asked["type"] == "userMessage"
    assert (said["type"], SAID in said["text"]) == ("agentMessage", True)
    (row,) = await either.log()
    shown = {name: row[name] for name in ("source", "tool", "thread_id", "is_error", "env_id")}
    assert shown == {
        "source": "sdk",
        "tool": "turn",
        "thread_id": answer["threadId"],
        "is_error": False,
        "env_id": "local",
    }
    assert SAID in row["result_summary"]


async def test_a_thread_goes_on_and_is_of_its_workspace(either: Site) -> None:
    first = await either.run("Hello")
    again = await either.run("Again", threadId=first["threadId"])
    assert again["threadId"] == first["threadId"]
    assert again["turn"]["status"] == "completed"
    assert (await either.run("New"))["threadId"] != first["threadId"]
    other = attrs.evolve(either, workspace_id=await either.owner.create_workspace())
    refused = await other.submit("Hello", threadId=first["threadId"])
    assert error_of(refused) == (400, "threadId: must be a thread of the workspace")


@pytest.mark.parametrize("given", ["words", ["words"], None])
async def test_what_codex_cannot_read_is_an_error_of_its_protocol(either: Site, given: Any) -> None:
    answer = await either.run("", params={"input": given})
    assert answer["transport"]["code"] == "codexRPCError"
    assert answer["transport"]["message"].startswith("codex rpc error -32602: ")
    assert answer["threadId"]


@pytest.mark.parametrize("command", [None, STAND_IN], ids=[BUILT_IN, CODEX])
async def test_a_model_that_cannot_be_asked_fails_the_turn(
    settings: Settings, command: str | None
) -> None:
    async with site(attrs.evolve(settings, llm_proxy_url="off"), command) as here:
        turn = (await here.run("Hello"))["turn"]
        assert (turn["status"], turn["error"]["message"]) == ("failed", "llmproxy not configured")


@pytest.mark.parametrize("command", [None, STAND_IN], ids=[BUILT_IN, CODEX])
async def test_a_used_up_quota_fails_the_turn_as_codex_classifies_it(
    settings: Settings, command: str | None
) -> None:
    async with site(attrs.evolve(settings, llm_proxy_default_max_rpd=1), command) as here:
        await here.run("Hello")
        turn = (await here.run("Hello"))["turn"]
        assert turn["status"] == "failed"
        assert turn["error"]["codexErrorInfo"] == "usageLimitExceeded"


async def test_a_workspace_has_turns_of_many_threads_at_once(either: Site) -> None:
    answers = await asyncio.gather(*(either.run(f"Hello {number}") for number in range(5)))
    assert {each["turn"]["status"] for each in answers} == {"completed"}
    assert len({each["threadId"] for each in answers}) == 5


# --- codex ----------------------------------------------------------------------------------------


async def test_commands_and_tool_calls_are_in_the_log_with_what_came_of_them(codex: Site) -> None:
    answer = await codex.run("run something")
    assert len(answer["turn"]["items"]) == 5
    turn, *rest = sorted(await codex.log(), key=lambda row: row["tool"] != "turn")
    rows = {(row["tool"], row["is_error"]): row for row in rest}
    worked, failed = rows["commandExecution", False], rows["commandExecution", True]
    call = rows["files.read", False]
    assert len(rest) == 3
    assert (worked["result_summary"], failed["result_summary"]) == ("1\n", "no")
    assert worked["arguments"]["command"] == "echo 1"
    assert call["arguments"] == {"path": "a"}
    for row in rest:
        for name in ("thread_id", "request_id", "user_id", "source", "env_id"):
            assert row[name] == turn[name]


async def test_a_command_whose_end_is_told_after_that_of_its_turn_is_in_the_log(
    codex: Site,
) -> None:
    answer = await codex.run("late")
    assert answer["turn"]["items"][-1]["aggregatedOutput"] == "late\n"
    assert {row["tool"] for row in await codex.log()} == {"turn", "commandExecution"}


async def test_the_thread_is_resumed_after_a_restart_of_server_and_codex(
    settings: Settings,
) -> None:
    async with site(settings, STAND_IN) as here:
        first = await here.run("Hello")
        assert first["turn"]["items"][-1]["text"].startswith("1: ")
    async with site(settings, STAND_IN, here.owner, here.workspace_id) as again:
        answer = await again.run("Again", threadId=first["threadId"])
        assert answer["turn"]["items"][-1]["text"].startswith("2: ")


async def test_codex_that_has_died_is_started_anew(codex: Site) -> None:
    thread_id = (await codex.run("Hello"))["threadId"]
    answer = await codex.run("die", threadId=thread_id)
    assert answer["transport"]["code"] == "wsDisconnect"
    assert answer["threadId"] == thread_id
    answer = await codex.run("Again", threadId=thread_id)
    assert answer["turn"]["items"][-1]["text"].startswith("2: ")
    assert len(codex.processes) == 1


async def test_each_workspace_has_one_process_until_it_is_idle(codex: Site) -> None:
    await asyncio.gather(*(codex.run("Hello") for _ in range(3)))
    assert len(codex.processes) == 1
    other = attrs.evolve(codex, workspace_id=await codex.owner.create_workspace())
    await other.run("Hello")
    assert len(codex.processes) == 2
    await codex.timeline.advance(29 * 60)
    await other.run("Hello")
    await codex.timeline.advance(2 * 60)
    assert len(codex.processes) == 1
    assert (await codex.run("Hello"))["turn"]["status"] == "completed"


async def test_processes_end_with_the_server(settings: Settings) -> None:
    async with site(settings, STAND_IN) as here:
        await here.run("Hello")
        assert len(here.processes) == 1
    assert here.processes == []


async def test_what_there_is_of_a_workspace_goes_with_it(codex: Site, settings: Settings) -> None:
    await codex.run("Hello")
    folder = settings.data_dir / "codex" / codex.workspace_id
    assert folder.is_dir()
    ok(await codex.owner.request("DELETE", f"/api/workspaces/{codex.workspace_id}"))
    await codex.timeline.advance(60)
    assert not folder.exists()
    assert codex.processes == []


async def test_codex_gets_nothing_of_the_servers_own_environment(
    codex: Site, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("AGENTSERVER_ENCRYPTION_KEY", "secret")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    answer = await codex.run("environment")
    given = json.loads(answer["turn"]["items"][-1]["text"])
    own = {"AGENTSERVER_CODEX_SERVER", "AGENTSERVER_CODEX_TOKEN", "CODEX_HOME", "HOME", "PATH"}
    assert given.keys() - {"LANG", "LC_ALL", "LC_CTYPE", "TZ"} == own
    folder = settings.data_dir / "codex" / codex.workspace_id
    assert given["CODEX_HOME"] == str(folder / "home")
    assert given["HOME"] == str(folder / "work")
    assert folder.joinpath("home").stat().st_mode & 0o777 == 0o700
    assert folder.joinpath("home", "config.toml").stat().st_mode & 0o777 == 0o600


async def test_approvals_are_given_and_other_questions_refused(codex: Site) -> None:
    answer = await codex.run("ask")
    given, refused = json.loads(answer["turn"]["items"][-1]["text"])
    assert given == {"id": "a", "result": {"decision": "accept"}}
    assert (refused["id"], refused["error"]["code"]) == ("b", -32601)


async def test_a_turn_that_takes_too_long_is_interrupted_and_its_thread_goes_on(
    codex: Site,
) -> None:
    thread_id = (await codex.run("Hello"))["threadId"]
    answer = await codex.run("wait", threadId=thread_id, timeoutMs=300)
    assert answer["transport"]["code"] == "brokerTimeout"
    assert (await codex.run("Again", threadId=thread_id))["turn"]["status"] == "completed"
    assert len(codex.processes) == 1


async def test_hanging_up_interrupts_the_turn_and_no_other(codex: Site) -> None:
    thread_id = (await codex.run("Hello"))["threadId"]
    others = asyncio.create_task(codex.run("wait", timeoutMs=2_000))
    with suppress(httpx.ReadTimeout):
        body = {"input": [{"type": "text", "text": "wait"}]}
        await codex.client.post(
            "/api/turns",
            json={"workspaceId": codex.workspace_id, "threadId": thread_id, "params": body},
            headers={"Cookie": codex.owner.cookie},
            timeout=0.5,
        )

    async def is_free() -> bool:
        return (await codex.submit("Again", threadId=thread_id)).status_code == 200

    await until(is_free)
    assert (await others)["transport"]["code"] == "brokerTimeout"


@pytest.mark.parametrize("command", ["/no/such/codex", "false", "sh -c 'exit 1'"])
async def test_codex_that_does_not_start_is_said_to_have_crashed(
    settings: Settings, command: str
) -> None:
    async with site(settings, command) as here:
        answer = await here.run("Hello")
        assert answer["transport"]["code"] == "subprocessCrash"
        assert answer["transport"]["message"].startswith("codex ")
        assert answer["threadId"] == ""


# --- a gateway ------------------------------------------------------------------------------------


async def test_a_gateway_is_given_the_secret_and_the_limit(settings: Settings) -> None:
    gateway = Gateway()
    async with behind_a_gateway(settings, gateway) as here:
        first = await here.run("Hello", timeoutMs=1234)
        await here.run("Again", threadId=first["threadId"])
    limits = [(each["timeoutMs"], each["threadId"]) for each in gateway.asked]
    assert limits == [(1234, None), (3_600_000, first["threadId"])]
    assert {each["workspaceId"] for each in gateway.asked} == {here.workspace_id}


@pytest.mark.parametrize(
    ("instead", "code"),
    [
        ((500, {"error": "a token"}), "wsDisconnect"),
        ((200, []), "wsDisconnect"),
        ((200, {"threadId": "t"}), "wsDisconnect"),
        ((200, {"threadId": "t", "transport": {"code": "other"}}), "wsDisconnect"),
        ((200, {"threadId": "t", "transport": {"code": "brokerTimeout"}}), "brokerTimeout"),
    ],
)
async def test_what_a_gateway_cannot_do_is_said_without_its_own_words(
    settings: Settings, instead: tuple[int, Any], code: str
) -> None:
    async with behind_a_gateway(settings, Gateway(instead=instead)) as here:
        answer = await here.run("Hello")
        assert answer["transport"]["code"] == code
        assert "a token" not in answer["transport"]["message"]


async def test_the_items_of_a_gateway_are_in_the_log(settings: Settings) -> None:
    item = {"id": "1", "type": "commandExecution", "command": "ls", "status": "failed"}
    turn = {"id": "t", "status": "completed", "items": [item]}
    gateway = Gateway(instead=(200, {"threadId": "thread", "turn": turn}))
    async with behind_a_gateway(settings, gateway) as here:
        assert (await here.run("Hello"))["turn"]["items"] == [item]
        rows = {row["tool"]: row["is_error"] for row in await here.log()}
        assert rows == {"turn": False, "commandExecution": True}


async def test_hanging_up_is_passed_on_to_the_gateway(settings: Settings) -> None:
    gateway = Gateway()
    async with behind_a_gateway(settings, gateway) as here:
        with suppress(httpx.ReadTimeout):
            body = {"input": [{"type": "text", "text": "wait"}]}
            await here.client.post(
                "/api/turns",
                json={"workspaceId": here.workspace_id, "params": body},
                headers={"Cookie": here.owner.cookie},
                timeout=0.5,
            )
        async with asyncio.timeout(SECONDS):
            await gateway.interrupted.wait()


async def test_a_gateway_that_is_not_there_is_said_to_be_unreachable(settings: Settings) -> None:
    own = attrs.evolve(settings, codex_app_gateway_rest_url="http://127.0.0.1:1")
    async with site(own, None) as here:
        answer = await here.run("Hello")
        assert answer["transport"]["code"] == "subprocessCrash"
        assert (await here.client.get("/codex-app/ws")).status_code == 404


# --- a person's own codex -------------------------------------------------------------------------


async def token_of(here: Site) -> dict[str, Any]:
    body = {"workspace_id": here.workspace_id, "name": "Laptop"}
    made: dict[str, Any] = ok(await here.owner.request("POST", "/api/codex/tokens", body)).json()
    return made


async def test_a_session_speaks_with_codex_and_what_it_does_is_in_the_log(codex: Site) -> None:
    made = await token_of(codex)
    async with connecting(codex.client, made["token"]) as socket:
        remote = Remote(socket)
        await remote.initialize()
        thread_id = (await remote.result("thread/start"))["thread"]["id"]
        turn = await remote.turn("run something", thread_id)
        assert turn["status"] == "completed"
        await remote.turn("late", thread_id)
        answer = await remote.ask("unknown")
        assert answer["error"]["message"] == "unknown method unknown"
        (browser,) = await codex.owner.read(f"/api/workspaces/{codex.workspace_id}/browsers")
        assert browser["is_online"]
    rows = await codex.log()
    assert sorted(row["tool"] for row in rows) == [
        *("commandExecution", "commandExecution", "commandExecution", "files.read"),
        *("turn", "turn"),
    ]
    assert {(row["source"], row["thread_id"], row["user_id"]) for row in rows} == {
        ("tui", thread_id, codex.owner.id)
    }
    answer = await codex.run("Again", threadId=thread_id)
    assert answer["turn"]["items"][-1]["text"].startswith("3: ")


@pytest.mark.parametrize("method", ["fs/readFile", "command/exec", "config/value/write"])
async def test_a_session_reaches_neither_the_machine_nor_the_configuration(
    codex: Site, method: str
) -> None:
    async with connecting(codex.client, (await token_of(codex))["token"]) as socket:
        remote = Remote(socket)
        await remote.initialize()
        answer = await remote.ask(method)
        assert answer["error"] == {"code": -32601, "message": f"{method} is not for visitors"}


async def test_turns_of_a_session_end_with_it_and_the_log_says_so(codex: Site) -> None:
    made = await token_of(codex)
    async with connecting(codex.client, made["token"]) as socket:
        remote = Remote(socket)
        await remote.initialize()
        thread_id = (await remote.result("thread/start"))["thread"]["id"]
        said = [{"type": "text", "text": "wait"}]
        await remote.result("turn/start", threadId=thread_id, input=said)
        ok(await codex.owner.request("DELETE", f"/api/codex/tokens/{made['id']}"))
        await codex.timeline.advance(5)

    async def is_logged() -> bool:
        return bool(await codex.log())

    await until(is_logged)
    (row,) = await codex.log()
    assert (row["tool"], row["is_error"], row["thread_id"]) == ("turn", True, thread_id)


async def test_a_session_ends_when_codex_dies(codex: Site) -> None:
    async with connecting(codex.client, (await token_of(codex))["token"]) as socket:
        remote = Remote(socket)
        await remote.initialize()
        thread_id = (await remote.result("thread/start"))["thread"]["id"]
        said = [{"type": "text", "text": "die"}]
        await remote.ask("turn/start", threadId=thread_id, input=said)
        async with asyncio.timeout(SECONDS):
            await socket.wait_closed()
        assert socket.close_code == 1011


def test_a_codex_and_a_gateway_exclude_each_other() -> None:
    given = {"AGENTSERVER_CODEX": "codex", "CODEX_APP_GATEWAY_REST_URL": "http://127.0.0.1:1"}
    with pytest.raises(SettingsError, match="AGENTSERVER_CODEX: must be left out"):
        Settings.from_environment(given)
