"""Messages of people: each starts one turn, whose answer is sent back, whatever fails or dies."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from databases import CHEAPEST, KEY
from im_stand_ins import STAND_INS, TOKEN, StandIn, standing_in
from listening import listening
from people import Clock, ReferenceServer, User, error_of, ok, start_server
from serving import in_memory
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from test_start import running

from agentserver_reference import app as app_module
from agentserver_reference.app import create_app, utc_now
from agentserver_reference.context import Context
from agentserver_reference.domain.im_messages import PAUSE, RETRY, pause_after
from agentserver_reference.gateways.codex.embedded import INTRODUCTION
from agentserver_reference.gateways.failures import Unreachable
from agentserver_reference.services import im, im_delivery, im_sandboxes
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings
from agentserver_reference.storage import im_channels, im_messages
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.im_channels import Bot
from agentserver_reference.storage.locks import Lock
from agentserver_reference.storage.tables import codex_turns
from agentserver_reference.workers import im_delivery as worker

pytestmark = pytest.mark.anyio

SECONDS = 30
BOT_IDS = {"telegram": "good_bot", "matrix": "@bot:matrix.example", "weixin": "bot-1"}


@attrs.define
class Channel:
    """A workspace with a bot at a stand-in, and a server that delivers its messages."""

    server: ReferenceServer
    owner: User
    workspace_id: str
    provider: str
    stand_in: StandIn
    waits: list[float] = attrs.field(factory=list)

    @property
    def work(self) -> UnitOfWork:
        return UnitOfWork(self.server.context)

    async def connect(self, token: str = TOKEN) -> str:
        """Connect the bot, and return the id of its channel."""
        base_url = self.stand_in.url if self.provider == "matrix" else ""
        bot = Bot(self.provider, BOT_IDS[self.provider], base_url)
        await im.connect(self.work, self.workspace_id, bot, token)
        (row,) = await self.work.read(im_channels.list_of, self.workspace_id)
        channel_id: str = row["id"]
        return channel_id

    async def change(
        self, channel_id: str, *, require_mention: bool | None = None, routing_mode: str
    ) -> None:
        await im.update(self.work, self.workspace_id, channel_id, require_mention, routing_mode)

    async def turns(self) -> list[dict[str, Any]]:
        """What the operations log says of turns, oldest first."""
        read = await self.owner.read(f"/api/workspaces/{self.workspace_id}/operations")
        rows: list[dict[str, Any]] = read["operations"][::-1]
        return rows

    async def answers(self, number: int) -> list[str]:
        """What the bot has sent, as soon as it is so much."""
        return await sent(self.stand_in, number)


async def sent(stand_in: StandIn, number: int) -> list[str]:
    """What a bot has sent, as soon as it is so much."""
    async with asyncio.timeout(SECONDS):
        while len(stand_in.sent) < number:
            stand_in.was_sent.clear()
            await stand_in.was_sent.wait()
    return [text for _, text in stand_in.sent]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(SECONDS):
        while not await condition():  # noqa: ASYNC110 - the server's own state
            await asyncio.sleep(0)


@asynccontextmanager
async def delivering(context: Context) -> AsyncIterator[None]:
    """Deliver, beside the loop of the server."""
    task = asyncio.create_task(worker.Delivery(UnitOfWork(context)).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def at(stand_in: StandIn, settings: Settings) -> Settings:
    """The settings of a server that reaches a stand-in."""
    return attrs.evolve(
        settings,
        im="embedded",
        telegram_api_url=stand_in.url,
        weixin_api_url=stand_in.url,
        private_addresses_allowed=True,
    )


@asynccontextmanager
async def without_its_loop() -> AsyncIterator[None]:
    """Let a server leave the delivery to the test."""
    with pytest.MonkeyPatch.context() as patch:
        loops = [loop for loop in app_module.LOOPS if loop is not worker.loop]
        patch.setattr(app_module, "LOOPS", tuple(loops))
        yield


@asynccontextmanager
async def channel_at(provider: str, settings: Settings) -> AsyncIterator[Channel]:
    """A channel whose bot is not connected yet."""
    if provider == "telegram":
        pytest.importorskip("telegram", reason="the extra 'im' is not installed")
    async with (
        standing_in(provider) as stand_in,
        without_its_loop(),
        start_server(at(stand_in, settings)) as server,
    ):
        owner = await server.create_user("owner@example.com")
        yield Channel(server, owner, await owner.create_workspace(), provider, stand_in)


@pytest.fixture(params=sorted(STAND_INS))
async def channel(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Channel]:
    """A channel at each service in turn, on each database."""
    async with channel_at(request.param, settings) as channel:
        yield channel


@pytest.fixture
async def matrix(settings: Settings) -> AsyncIterator[Channel]:
    """A channel of Matrix, whose bot needs no extra."""
    async with channel_at("matrix", settings) as channel:
        yield channel


async def start_polling(channel: Channel, channel_id: str) -> None:
    """Have the first sync of a Matrix bot behind us, which drops what it brings."""
    await im_delivery.receive(channel.work, channel_id)


async def test_each_message_starts_one_turn_and_its_answer_goes_back(channel: Channel) -> None:
    channel_id = await channel.connect()
    if channel.provider == "matrix":
        await start_polling(channel, channel_id)
    channel.stand_in.write("What is a parser?")
    async with delivering(channel.server.context):
        first = await channel.answers(1)
        channel.stand_in.write("And a lexer?")
        both = await channel.answers(2)
    assert first[0].startswith(INTRODUCTION), first
    assert "What is a parser?" in both[0]
    assert "And a lexer?" in both[1]
    log = await channel.turns()
    assert len(log) == 2, log
    assert log[0]["thread_id"] == log[1]["thread_id"], "a person goes on with their thread"


async def test_people_have_threads_of_their_own(matrix: Channel) -> None:
    await start_polling(matrix, await matrix.connect())
    for person in ("5", "6"):
        matrix.stand_in.write("Hello", person)
    async with delivering(matrix.server.context):
        await matrix.answers(2)
    assert sorted(to for to, _ in matrix.stand_in.sent) == [
        "!5:matrix.example",
        "!6:matrix.example",
    ]
    assert len({row["thread_id"] for row in await matrix.turns()}) == 2


async def test_a_person_has_one_turn_at_a_time_and_in_order(matrix: Channel) -> None:
    await start_polling(matrix, await matrix.connect())
    texts = [f"Question {number}" for number in range(5)]
    for text in texts:
        matrix.stand_in.write(text)
    async with delivering(matrix.server.context):
        answers = await matrix.answers(5)
    for text, answer in zip(texts, answers, strict=True):
        assert text in answer
    log = await matrix.turns()
    assert len({row["thread_id"] for row in log}) == 1, "each waited for the thread of the first"


async def test_what_is_received_twice_is_answered_once(matrix: Channel) -> None:
    channel_id = await matrix.connect()
    await start_polling(matrix, channel_id)
    matrix.stand_in.write("Hello")
    await im_delivery.receive(matrix.work, channel_id)

    def forget(conn: Connection) -> None:
        conn.execute(im_channels.im_channels.update().values(cursor="0"))

    await matrix.work.write(Lock(), forget)
    await im_delivery.receive(matrix.work, channel_id)
    assert await im_delivery.deliver_next(matrix.work, channel_id, "!5:matrix.example@matrix")
    assert not await im_delivery.deliver_next(matrix.work, channel_id, "!5:matrix.example@matrix")
    assert len(await matrix.turns()) == 1


async def test_two_processes_that_receive_and_answer_at_once_start_one_turn(
    matrix: Channel,
) -> None:
    channel_id = await matrix.connect()
    await start_polling(matrix, channel_id)
    matrix.stand_in.write("Hello")
    await asyncio.gather(*(im_delivery.receive(matrix.work, channel_id) for _ in range(4)))
    user = "!5:matrix.example@matrix"
    await asyncio.gather(
        *(im_delivery.deliver_next(matrix.work, channel_id, user) for _ in range(4))
    )
    assert len(await matrix.turns()) == 1
    assert len(matrix.stand_in.sent) == 1, "the service takes a key once"


async def test_the_cursor_stays_where_it_was_if_a_message_is_not_kept(
    matrix: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel_id = await matrix.connect()
    await start_polling(matrix, channel_id)
    matrix.stand_in.write("Hello")
    with monkeypatch.context() as broken:
        broken.setattr(im_delivery.im_messages, "timestamp", lambda _: None)
        with pytest.raises(Exception, match="(?i)null"):
            await im_delivery.receive(matrix.work, channel_id)
    assert await im_delivery.receive(matrix.work, channel_id) == {"!5:matrix.example@matrix"}


async def test_an_answer_is_sent_again_until_it_is_taken_and_no_turn_runs_again(
    matrix: Channel,
) -> None:
    channel_id = await matrix.connect()
    await start_polling(matrix, channel_id)
    user = "!5:matrix.example@matrix"
    matrix.stand_in.write("Hello")
    await im_delivery.receive(matrix.work, channel_id)
    matrix.stand_in.failing_to_send = PlainTextResponse("no", 502)
    for _ in range(3):
        with pytest.raises(Unreachable):
            await im_delivery.deliver_next(matrix.work, channel_id, user)
    assert await im_delivery.waiting(matrix.work) == [(channel_id, user)]
    matrix.stand_in.failing_to_send = None
    assert await im_delivery.deliver_next(matrix.work, channel_id, user)
    assert len(matrix.stand_in.sent) == 1
    assert len(await matrix.turns()) == 1


async def test_an_answer_that_nobody_takes_does_not_stop_the_next_one(
    settings: Settings,
) -> None:
    async with channel_at("matrix", settings) as channel:
        await start_polling(channel, await channel.connect())
        channel.stand_in.failing_to_send = JSONResponse({"errcode": "M_TOO_LARGE"}, 413)
        channel.stand_in.write("Hello")
        context = attrs.evolve(channel.server.context, wait=not_for_long)
        async with delivering(context):

            async def is_given_up() -> bool:
                return bool(await channel.turns()) and not await im_delivery.waiting(channel.work)

            await until(is_given_up)
            channel.stand_in.failing_to_send = None
            channel.stand_in.write("Are you there?")
            answers = await channel.answers(1)
    assert "Are you there?" in answers[0]


async def not_for_long(_: float) -> None:
    """Wait for no time at all."""
    await asyncio.sleep(0)


async def test_failures_are_borne_with_longer_and_longer_pauses(matrix: Channel) -> None:
    await start_polling(matrix, await matrix.connect())
    pauses: list[float] = []
    enough = asyncio.Event()

    async def wait(seconds: float) -> None:
        if seconds == worker.INTERVAL:
            await asyncio.Event().wait()
        pauses.append(seconds)
        if len(pauses) == 6:
            matrix.stand_in.failing = matrix.stand_in.too_many(77)
        if len(pauses) == 7:
            enough.set()
            await asyncio.Event().wait()

    matrix.stand_in.failing = PlainTextResponse("no", 502)
    async with delivering(attrs.evolve(matrix.server.context, wait=wait)):
        async with asyncio.timeout(SECONDS):
            await enough.wait()
    assert pauses == [RETRY, RETRY, PAUSE, RETRY, RETRY, PAUSE, 77]
    assert [pause_after(number) for number in (1, 2, 3)] == [2, 2, 30]


async def test_a_bot_that_is_connected_anew_is_polled_at_once_and_a_deleted_one_no_more(
    matrix: Channel,
) -> None:
    channel_id = await matrix.connect("wrong")
    looks = asyncio.Event()

    async def wait(seconds: float) -> None:
        if seconds == worker.INTERVAL:
            await looks.wait()
            looks.clear()
        else:
            await asyncio.Event().wait()  # the pause of the refused token

    async with delivering(attrs.evolve(matrix.server.context, wait=wait)):
        await until(lambda: soon(bool(matrix.stand_in.asked)))
        await matrix.connect()
        looks.set()
        await until(lambda: soon(matrix.stand_in.polled.is_set()))
        matrix.stand_in.write("Hello")
        await matrix.answers(1)
        await im.delete(matrix.work, matrix.workspace_id, channel_id)
        looks.set()
        await until(lambda: soon(not looks.is_set()))
        matrix.stand_in.write("Still there?")
        for _ in range(20):
            await asyncio.sleep(0)
    assert len(matrix.stand_in.sent) == 1


async def soon(value: bool) -> bool:
    """Return a value."""
    return value


async def test_in_groups_a_sandbox_is_spoken_to_by_name_only_where_it_is_asked_for(
    matrix: Channel,
) -> None:
    channel_id = await matrix.connect()
    await start_polling(matrix, channel_id)
    await matrix.change(channel_id, require_mention=True, routing_mode="nanoclaw")
    matrix.stand_in.write("to nobody")
    assert await im_delivery.receive(matrix.work, channel_id) == set()
    matrix.stand_in.write("hey @bot:matrix.example")
    assert await im_delivery.receive(matrix.work, channel_id) == {"!5:matrix.example@matrix"}
    await matrix.change(channel_id, routing_mode="codex")
    matrix.stand_in.write("to codex")
    assert await im_delivery.receive(matrix.work, channel_id) == {"!5:matrix.example@matrix"}


async def test_a_message_is_forgotten_a_day_after_its_delivery(matrix: Channel) -> None:
    channel_id = await matrix.connect()
    await start_polling(matrix, channel_id)
    matrix.stand_in.write("Hello")
    await im_delivery.receive(matrix.work, channel_id)
    matrix.server.clock.advance(days=2)
    assert await im_delivery.remove_old(matrix.work) == 0, "it has not been delivered"
    await im_delivery.deliver_next(matrix.work, channel_id, "!5:matrix.example@matrix")
    matrix.server.clock.advance(hours=23)
    assert await im_delivery.remove_old(matrix.work) == 0
    matrix.server.clock.advance(hours=2)
    assert await im_delivery.remove_old(matrix.work) == 1


@pytest.mark.parametrize("moment", ["during the turn", "between the turn and its answer"])
async def test_a_server_that_is_killed_has_started_one_turn_and_the_next_one_answers(
    moment: str, tmp_path: Path
) -> None:
    asked = asyncio.Event()
    killed = asyncio.Event()

    async def think(_: Request) -> Response:
        """Be a model that is never done."""
        asked.set()
        await killed.wait()
        return PlainTextResponse("", 502)

    endless = Starlette(routes=[Route("/{path:path}", think, methods=["GET", "POST"])])
    url = f"sqlite:///{tmp_path / 'agentserver.db'}"
    settings = Settings.from_environment(
        {}, database_url=url, encryption_key=KEY, password_cost=CHEAPEST
    )
    async with standing_in("matrix") as stand_in, listening(endless) as model:
        settings = at(stand_in, settings)
        async with start_server(settings) as server:
            owner = await server.create_user("owner@example.com")
            workspace_id = await owner.create_workspace()
            channel = Channel(server, owner, workspace_id, "matrix", stand_in)
            await start_polling(channel, await channel.connect())
        stand_in.write("Hello")
        variables = {
            "DATABASE_URL": url,
            "AGENTSERVER_ENCRYPTION_KEY": KEY,
            "AGENTSERVER_IM": "embedded",
            "AGENTSERVER_ALLOW_PRIVATE_ADDRESSES": "true",
        }
        if moment == "during the turn":
            variables["OPENAI_BASE_URL"] = f"http://{model.address}"
        else:
            stand_in.failing_to_send = PlainTextResponse("no", 502)
        with running(tmp_path, **variables) as dying:
            async with asyncio.timeout(SECONDS):
                await (asked if moment == "during the turn" else stand_in.tried_to_send).wait()
            dying.process.kill()
            await asyncio.to_thread(dying.process.wait)
        killed.set()
        assert stand_in.sent == []
        stand_in.failing_to_send = None
        later = create_app(settings, clock=lambda: utc_now() + timedelta(minutes=5))
        async with later.router.lifespan_context(later):
            (answer,) = await sent(stand_in, 1)
            count = await later.state.context.store.read(turns_in)
    assert count == 1
    expected = "has ended" if moment == "during the turn" else INTRODUCTION
    assert expected in answer, answer


def turns_in(conn: Connection) -> int:
    """How many turns there are."""
    found: int = conn.execute(select(func.count()).select_from(codex_turns)).scalar_one()
    return found


# --- what runs in a sandbox -----------------------------------------------------------------------

PARROT = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import Request, urlopen

SECRET = "Bearer " + os.environ["NANOCLAW_BRIDGE_SECRET"]

class Parrot(BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        is_known = self.headers["authorization"] == SECRET
        self.send_response(200 if is_known else 401)
        self.send_header("content-length", "0")
        self.end_headers()
        if is_known and self.path == "/message":
            answer = {"to_user_id": message["chat_jid"], "text": "You say: " + message["content"]}
            sandbox = os.environ["AGENTSERVER_SANDBOX_ID"]
            urlopen(Request(
                f"{os.environ['AGENTSERVER_URL']}/api/internal/nanoclaw/{sandbox}/im/send",
                json.dumps(answer).encode(),
                {"authorization": SECRET},
            ))

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Parrot).serve_forever()
"""
"""What runs in the sandbox: it repeats what it is told."""


@attrs.define
class Caged(Channel):
    """A channel that is bound to a sandbox, over HTTP."""

    channel_id: str = ""
    sandbox_id: str = ""

    async def status(self) -> str:
        sandbox = await self.owner.read(f"/api/sandboxes/{self.sandbox_id}")
        status: str = sandbox["status"]
        return status

    async def becomes(self, wanted: str) -> None:
        async def is_so() -> bool:
            return await self.status() == wanted

        await until(is_so)

    async def reply(self, secret: str, body: object) -> httpx.Response:
        """Answer as what runs in the sandbox does."""
        path = f"/api/internal/nanoclaw/{self.sandbox_id}/im/send"
        headers = {"authorization": f"Bearer {secret}"}
        return await self.server.client.post(path, json=body, headers=headers)

    async def secret(self) -> str:
        row = await self.work.read(im_messages.sandbox, self.sandbox_id)
        assert row is not None
        return im_sandboxes._secret(self.work, row)


@pytest.fixture
async def caged(tmp_path: Path) -> AsyncIterator[Caged]:
    """A channel of Matrix that is bound to a sandbox in which a parrot runs."""
    script = tmp_path / "parrot.py"
    script.write_text(PARROT)
    settings = in_memory(sandbox_command_nanoclaw=(sys.executable, str(script)), data_dir=tmp_path)
    place: list[str] = []
    async with standing_in("matrix") as stand_in, without_its_loop():
        app = create_app(at(stand_in, settings), url=lambda: place[0])
        async with (
            listening(app) as listens,
            httpx.AsyncClient(base_url=f"http://{listens.address}") as client,
        ):
            place.append(f"http://{listens.address}")
            server = ReferenceServer(client, Clock(), app.state.context)
            owner = await server.create_user("owner@example.com")
            workspace_id = await owner.create_workspace()
            caged = Caged(server, owner, workspace_id, "matrix", stand_in)
            caged.channel_id = await caged.connect()
            await start_polling(caged, caged.channel_id)
            await caged.change(caged.channel_id, routing_mode="nanoclaw")
            made = await owner.request(
                "POST",
                f"/api/workspaces/{workspace_id}/sandboxes",
                {"name": "Parrot", "type": "nanoclaw"},
            )
            caged.sandbox_id = ok(made).json()["id"]
            await caged.becomes("running")
            yield caged


async def test_a_message_waits_for_the_sandbox_of_its_channel_and_its_answer_goes_back(
    caged: Caged,
) -> None:
    caged.stand_in.write("Hello")
    tried = asyncio.Event()

    async def wait(seconds: float) -> None:
        if seconds != worker.INTERVAL:
            tried.set()
        await asyncio.sleep(0.01 if seconds != worker.INTERVAL else seconds)

    async with delivering(attrs.evolve(caged.server.context, wait=wait)):
        async with asyncio.timeout(SECONDS):
            await tried.wait()
        assert caged.stand_in.sent == [], "no sandbox is bound"
        await im.bind(caged.work, caged.sandbox_id, caged.channel_id)
        answers = await caged.answers(1)
        caged.stand_in.write("Bye")
        answers = await caged.answers(2)
    assert answers == ["You say: Hello", "You say: Bye"]
    assert await caged.turns() == []


async def test_only_the_sandbox_itself_answers_and_only_who_has_written(caged: Caged) -> None:
    body = {"to_user_id": "!5:matrix.example@matrix", "text": "Hello"}
    secret = await caged.secret()
    assert error_of(await caged.reply("wrong", body)) == (401, "unauthorized")
    assert error_of(await caged.reply(secret, body)) == (
        404,
        "no channel is bound to this sandbox",
    )
    await im.bind(caged.work, caged.sandbox_id, caged.channel_id)
    assert error_of(await caged.reply(secret, body)) == (
        404,
        "this person has not written to the channel",
    )
    for wrong in ({}, [], {"to_user_id": "", "text": "Hello"}, {"to_user_id": "a", "text": 7}):
        assert (await caged.reply(secret, wrong)).status_code == 400
    caged.stand_in.write("Hello")
    await im_delivery.receive(caged.work, caged.channel_id)
    assert ok(await caged.reply(secret, body)).json() == {"status": "sent"}
    assert caged.stand_in.sent == [("!5:matrix.example", "Hello")]
    caged.stand_in.failing = PlainTextResponse(TOKEN, 500)
    assert error_of(await caged.reply(secret, body)) == (
        502,
        "the service has not taken the message",
    )
