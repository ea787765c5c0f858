"""Channels of a server that uses the services itself, and of one whose IM bridge does."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from databases import CHEAPEST, KEY
from listening import listening
from people import ReferenceServer, error_of, ok, start_server
from sqlalchemy import insert
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from test_im_channels import MATRIX, TOKEN, Channels, bot
from test_weixin_logins import CONFIRMED, NONE, Login, WeChat

from agentserver_reference.app import create_app, loops_of
from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.gateways import failures
from agentserver_reference.gateways.im import limits, remote
from agentserver_reference.gateways.im.remote import RemoteIm
from agentserver_reference.gateways.im.service import Polled
from agentserver_reference.gateways.im.simulated import SimulatedTelegram, SimulatedWeixin
from agentserver_reference.services import im_sandboxes
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import im_messages, tables
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.workers import im_delivery

pytestmark = pytest.mark.anyio

SECRET = "between-us"
CONFIGURE = {"telegram": {"bot_token": TOKEN}, "matrix": MATRIX}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A server on SQLite, which two servers share that are in one process."""
    return Settings.from_environment(
        {},
        database_url=f"sqlite:///{tmp_path / 'test.db'}",
        data_dir=tmp_path,
        encryption_key=KEY,
        password_cost=CHEAPEST,
    )


@asynccontextmanager
async def with_bridge(settings: Settings, **of_bridge: Any) -> AsyncIterator[ReferenceServer]:
    """A server whose IM bridge is another one on its database, over a real socket."""
    bridge = create_app(attrs.evolve(settings, **of_bridge), validate_responses=True)
    async with listening(bridge) as running:
        url = f"http://{running.address}"
        async with start_server(settings, imbridge_url=url, internal_api_secret=SECRET) as server:
            yield server


@pytest.fixture(params=["own services", "bridge"])
async def server(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Any]:
    opened = start_server if request.param == "own services" else with_bridge
    async with opened(settings) as server:
        yield server


@pytest.fixture
async def channels(server: ReferenceServer) -> Channels:
    owner = await server.create_user("owner@example.com")
    return Channels(await owner.create_workspace(), owner)


@pytest.fixture
def wechat(monkeypatch: pytest.MonkeyPatch) -> WeChat:
    wechat = WeChat()
    monkeypatch.setattr(SimulatedWeixin, "start", lambda _: wechat.start())
    monkeypatch.setattr(SimulatedWeixin, "poll", lambda _, *given: wechat.poll(*given))
    return wechat


# --- whoever uses the services --------------------------------------------------------------------


async def test_bots_are_connected_listed_changed_bound_and_deleted(channels: Channels) -> None:
    owner, path = channels.owner, channels.path
    for provider, body in CONFIGURE.items():
        made = ok(await owner.request("POST", f"{path}/{provider}/configure", body)).json()
        row = (await channels.rows())[-1]
        assert (row["provider"], row["bot_id"], made["connected"]) == (
            provider,
            made["bot_id"],
            True,
        )
    sandbox = await channels.create_sandbox()
    telegram, matrix = (row["id"] for row in await channels.rows())
    ok(await owner.request("PATCH", f"{path}/channels/{matrix}", {"require_mention": True}))
    bind = f"/api/sandboxes/{sandbox}/im/bind"
    ok(await owner.request("POST", bind, {"channel_id": telegram}))
    assert await channels.bound(sandbox) == bot(1234567)
    ok(await owner.request("DELETE", bind))
    ok(await owner.request("DELETE", f"{path}/channels/{telegram}"))
    (left,) = await channels.rows()
    assert (left["id"], left["require_mention"]) == (matrix, True)


async def test_a_login_to_wechat_is_made(
    server: ReferenceServer, channels: Channels, wechat: WeChat
) -> None:
    login = Login(server, channels.owner, f"{channels.path}/weixin/qr", wechat)
    assert await login.refused() == NONE
    assert await login.start() == "https://weixin.example.com/1"
    assert await login.wait() == {"connected": False, "status": "wait"}
    wechat.says = Polled("expired")
    assert (await login.wait())["qrcode_url"] == "https://weixin.example.com/2"
    wechat.says = CONFIRMED
    assert (await login.wait())["bot_id"] == "0f3a-im-bot"
    assert [row["provider"] for row in await login.channels()] == ["weixin"]
    assert await login.refused() == NONE


async def test_a_refused_token_is_400_a_service_that_fails_502(
    channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, body = f"{channels.path}/telegram/configure", CONFIGURE["telegram"]
    refused = (400, "bot_token: Telegram does not accept it")
    for trouble, status in (
        (failures.CredentialRefused(), 400),
        (failures.Unreachable(), 502),
        (failures.NotUnderstood(), 502),
        (failures.RateLimited(pause=7), 502),
    ):

        async def identify(_: object, __: object, trouble: Exception = trouble) -> str:
            raise trouble

        monkeypatch.setattr(SimulatedTelegram, "identify", identify)
        told = error_of(await channels.owner.request("POST", path, body))
        assert told[0] == status
        assert status != refused[0] or told == refused
    assert await channels.rows() == []


async def test_a_homeserver_that_is_not_allowed_is_400(channels: Channels) -> None:
    body = MATRIX | {"homeserver_url": "https://10.0.0.1"}
    answer = await channels.owner.request("POST", f"{channels.path}/matrix/configure", body)
    status, line = error_of(answer)
    assert (status, line.startswith("homeserver_url")) == (400, True)


async def test_who_may_not_is_refused_before_the_body_is_read(
    server: ReferenceServer, channels: Channels
) -> None:
    outsider = await server.create_user("outsider@example.com")
    for what in ("telegram/configure", "matrix/configure", "weixin/qr-start", "weixin/qr-wait"):
        path = f"{channels.path}/{what}"
        assert (await outsider.request("POST", path, {})).status_code == 403
        assert (await server.client.post(path, json={})).status_code == 401
    for what in CONFIGURE:
        refused = await channels.owner.request("POST", f"{channels.path}/{what}/configure", {})
        assert refused.status_code == 400


async def test_a_member_who_has_left_meanwhile_connects_nothing(
    server: ReferenceServer, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await server.create_user("member@example.com")
    members = f"/api/workspaces/{channels.workspace_id}/members"
    ok(await channels.owner.request("POST", members, {"email": member.email, "role": "developer"}))

    async def identify(_: object, __: object) -> str:
        ok(await channels.owner.request("DELETE", f"{members}/{member.id}"))
        return "a_bot"

    monkeypatch.setattr(SimulatedTelegram, "identify", identify)
    path = f"{channels.path}/telegram/configure"
    assert (await member.request("POST", path, CONFIGURE["telegram"])).status_code == 403
    assert await channels.rows() == []


async def test_what_runs_in_a_sandbox_answers_who_has_written(
    server: ReferenceServer, channels: Channels
) -> None:
    channel, sandbox = await channels.connect(), await channels.create_sandbox("nanoclaw")
    bind = f"/api/sandboxes/{sandbox}/im/bind"
    ok(await channels.owner.request("POST", bind, {"channel_id": channel}))
    work = UnitOfWork(server.context)
    row = await work.read(im_messages.sandbox, sandbox)
    assert row is not None
    secret = im_sandboxes._secret(work, row)

    async def reply(secret: str) -> tuple[int, str]:
        answer = await server.client.post(
            f"/api/internal/nanoclaw/{sandbox}/im/send",
            json={"to_user_id": "7", "text": "Hello"},
            headers={"authorization": f"Bearer {secret}"},
        )
        return answer.status_code, answer.text

    assert await reply("wrong") == (401, "unauthorized\n")
    assert await reply(secret) == (404, "this person has not written to the channel\n")

    def meet(conn: Connection) -> None:
        person = {"channel_id": channel, "user_id": "7", "reply_to": "7"}
        conn.execute(insert(tables.im_conversations), person)

    await server.store.write(meet)
    assert await reply(secret) == (200, '{"status":"sent"}\n')


# --- the bridge -----------------------------------------------------------------------------------


async def test_where_the_bridge_has_messages_switched_off_they_are_503(settings: Settings) -> None:
    async with with_bridge(settings, im="off") as server:
        owner = await server.create_user("owner@example.com")
        path = f"/api/workspaces/{await owner.create_workspace()}/im/telegram/configure"
        answer = await owner.request("POST", path, CONFIGURE["telegram"])
        assert error_of(answer) == (503, "messages not configured")


def test_who_uses_no_services_takes_no_lease_of_those_that_do(settings: Settings) -> None:
    assert im_delivery.loop in loops_of(settings)
    for changes in ({"imbridge_url": "http://127.0.0.1:1"}, {"im": "off"}):
        assert im_delivery.loop not in loops_of(attrs.evolve(settings, **changes))


@attrs.define
class BridgeStandIn:
    """Keeps what it is asked, and answers what the test has set."""

    answer: Response
    asked: list[tuple[Request, Any]] = attrs.field(factory=list)

    async def reply(self, request: Request) -> Response:
        body = await request.body()
        self.asked.append((request, json.loads(body) if body else None))
        return self.answer


@attrs.frozen
class Bridged:
    """A workspace of a server whose bridge is a stand-in."""

    server: ReferenceServer
    bridge: BridgeStandIn
    channels: Channels

    async def configure(self) -> Any:
        path = f"{self.channels.path}/telegram/configure"
        return await self.channels.owner.request("POST", path, CONFIGURE["telegram"])


@pytest.fixture
async def bridged(settings: Settings) -> AsyncIterator[Bridged]:
    bridge = BridgeStandIn(JSONResponse({"connected": True, "bot_id": "a_bot"}))
    app = Starlette(routes=[Route("/{path:path}", bridge.reply, methods=["GET", "POST"])])
    async with listening(app) as running:
        at = {"imbridge_url": f"http://{running.address}/below", "internal_api_secret": SECRET}
        async with start_server(settings, **at) as server:
            owner = await server.create_user("owner@example.com")
            yield Bridged(server, bridge, Channels(await owner.create_workspace(), owner))


async def test_the_bridge_is_asked_the_same_with_the_session_and_the_secret(
    bridged: Bridged,
) -> None:
    assert ok(await bridged.configure()).json() == {"connected": True, "bot_id": "a_bot"}
    bridged.bridge.answer = JSONResponse({"connected": False, "status": "wait"})
    ok(await bridged.channels.owner.request("POST", f"{bridged.channels.path}/weixin/qr-wait"))
    (configured, body), (waited, nothing) = bridged.bridge.asked
    for request, path in ((configured, "telegram/configure"), (waited, "weixin/qr-wait")):
        assert request.url.path == f"/below{bridged.channels.path}/{path}"
        assert request.headers["cookie"] == bridged.channels.owner.cookie
        assert request.headers["x-internal-secret"] == SECRET
        assert request.headers["x-request-id"]
    assert (body, nothing) == (CONFIGURE["telegram"], None)


async def test_an_outsider_never_reaches_the_bridge(bridged: Bridged) -> None:
    outsider = await bridged.server.create_user("outsider@example.com")
    path = f"{bridged.channels.path}/telegram/configure"
    assert (await outsider.request("POST", path, CONFIGURE["telegram"])).status_code == 403
    assert (await bridged.channels.owner.request("POST", path, {})).status_code == 400
    assert bridged.bridge.asked == []


async def test_what_the_bridge_says_of_a_failure_is_not_passed_on(
    bridged: Bridged, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for status, expected in (
        (400, (400, "bot_token: Telegram does not accept it")),
        (403, (403, "insufficient permissions")),
        (502, (502, "the service cannot be reached")),
        (503, (503, "messages not configured")),
        *(
            (each, (502, "the IM bridge gave an answer that was not understood"))
            for each in (401, 404, 409, 418, 500)
        ),
    ):
        bridged.bridge.answer = PlainTextResponse(f"says {TOKEN}", status)
        assert error_of(await bridged.configure()) == expected
    assert TOKEN not in caplog.text


async def test_an_answer_of_something_else_is_502(bridged: Bridged) -> None:
    line = "the IM bridge gave an answer that was not understood"
    for answer in (
        PlainTextResponse("<html>It works</html>"),
        JSONResponse([]),
        JSONResponse({"connected": True}),
        JSONResponse({"connected": True, "bot_id": 7}),
        Response(status_code=204),
        RedirectResponse("http://127.0.0.1:1/", 302),
        PlainTextResponse("x" * (2 << 20)),
    ):
        bridged.bridge.answer = answer
        assert error_of(await bridged.configure()) == (502, line)


async def test_a_bridge_that_is_gone_is_502_after_membership(bridged: Bridged) -> None:
    settings, path = bridged.server.context.settings, f"{bridged.channels.path}/telegram/configure"
    outsider = await bridged.server.create_user("outsider@example.com")
    async with start_server(settings, imbridge_url="http://127.0.0.1:1") as server:
        for user, expected in (
            (bridged.channels.owner, (502, "the IM bridge cannot be reached")),
            (outsider, (403, "not a workspace member")),
        ):
            caller = attrs.evolve(user, client=server.client)
            answer = await caller.request("POST", path, CONFIGURE["telegram"])
            assert error_of(answer) == expected
        caller = attrs.evolve(bridged.channels.owner, client=server.client)
        assert await caller.read(f"{bridged.channels.path}/channels") == {"channels": []}


async def test_a_bridge_has_its_time_and_no_more() -> None:
    is_over = asyncio.Event()

    async def respond_late(_: Request) -> Response:
        await is_over.wait()
        return Response()

    app = Starlette(routes=[Route("/", respond_late, methods=["POST"])])
    async with listening(app) as running:
        bridge = RemoteIm(f"http://{running.address}")
        with pytest.raises(BadGateway, match="cannot be reached"):
            await bridge.pass_on("/", None, {}, within=0.05)
        is_over.set()
        await bridge.close()


def test_the_bridge_has_more_time_than_it_gives_the_services() -> None:
    assert remote.TIMEOUT > limits.TIMEOUT
    assert remote.POLL_TIMEOUT > limits.POLL_TIMEOUT


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"AGENTSERVER_IM": "embedded"}, "AGENTSERVER_IM: must be left out with IMBRIDGE_URL"),
        (
            {"DATABASE_URL": "sqlite:///a.db"},
            "DATABASE_URL: must name PostgreSQL with IMBRIDGE_URL",
        ),
        ({"IMBRIDGE_URL": "imbridge:8083"}, "IMBRIDGE_URL: must be an http:// or https:// URL"),
    ],
    ids=["a mode", "a file", "no URL"],
)
def test_a_bridge_that_is_half_set_up_stops_the_start(
    environment: dict[str, str], said: str
) -> None:
    whole = {
        "IMBRIDGE_URL": "http://imbridge:8083/",
        "DATABASE_URL": "postgresql://u:p@db/a",
        "AGENTSERVER_ENCRYPTION_KEY": KEY,
    }
    assert Settings.from_environment(whole).imbridge_url == "http://imbridge:8083"
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(whole | environment)
    line = str(refused.value)
    assert line.startswith(said)
    assert "\n" not in line
