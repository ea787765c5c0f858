"""Telegram, Matrix and WeChat: one set of promises, over real sockets."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from im_stand_ins import (
    STAND_INS,
    TOKEN,
    MatrixStandIn,
    StandIn,
    WeixinStandIn,
    standing_in,
)
from serving import in_memory
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

from agentserver_reference.domain.errors import ServiceUnavailable
from agentserver_reference.gateways.failures import (
    CredentialRefused,
    NotUnderstood,
    OutsideError,
    RateLimited,
    Unreachable,
)
from agentserver_reference.gateways.im.limits import parts
from agentserver_reference.gateways.im.service import Credentials, Polled, Service, Started
from agentserver_reference.gateways.im.services import ImServices

pytestmark = pytest.mark.anyio

BOT_IDS = {"telegram": "good_bot", "matrix": "@bot:matrix.example", "weixin": "bot-1"}
SENT_TO = {"telegram": "5", "matrix": "!5:matrix.example", "weixin": "5"}
CALLS = ["identify", "receive", "send"]


@attrs.frozen
class Bot:
    """A bot at a service's stand-in."""

    provider: str
    stand_in: StandIn
    service: Service
    credentials: Credentials

    async def call(self, name: str, credentials: Credentials | None = None) -> Any:
        """Make one of the three calls."""
        credentials = credentials or self.credentials
        if name == "identify":
            return await self.service.identify(credentials)
        if name == "receive":
            return await self.service.receive(credentials, "0")
        to = "5 context-5" if self.provider == "weixin" else "5"
        return await self.service.send(credentials, to, "Hello", key="key-1")


@asynccontextmanager
async def services_at(address: str, **settings: Any) -> AsyncIterator[ImServices]:
    """The services, all of them at one address."""
    allowed = {"private_addresses_allowed": True, **settings}
    services = ImServices(in_memory(telegram_api_url=address, weixin_api_url=address, **allowed))
    try:
        yield services
    finally:
        await services.close()


@asynccontextmanager
async def bot_at(provider: str) -> AsyncIterator[Bot]:
    """A bot at a stand-in."""
    if provider == "telegram":
        pytest.importorskip("telegram", reason="the extra 'im' is not installed")
    async with standing_in(provider) as stand_in, services_at(stand_in.url) as services:
        base_url = stand_in.url if provider == "matrix" else ""
        credentials = Credentials(base_url, TOKEN, BOT_IDS[provider])
        yield Bot(provider, stand_in, services.of(provider), credentials)


@pytest.fixture(params=sorted(STAND_INS))
async def bot(request: pytest.FixtureRequest) -> AsyncIterator[Bot]:
    """A bot at each service in turn."""
    async with bot_at(request.param) as bot:
        yield bot


def calls_of(bot: Bot) -> list[str]:
    """The calls that go to the service."""
    return CALLS[1:] if bot.provider == "weixin" else CALLS


async def test_a_bot_is_identified_by_its_token(bot: Bot) -> None:
    assert await bot.call("identify") == BOT_IDS[bot.provider]


async def test_an_unknown_token_is_refused(bot: Bot) -> None:
    for call in calls_of(bot):
        for token in ("1:wrong", "a/b?c#d", "näh" if bot.provider == "telegram" else "none"):
            with pytest.raises(CredentialRefused):
                await bot.call(call, attrs.evolve(bot.credentials, token=token))


async def test_who_answers_otherwise_than_the_service_is_not_understood(bot: Bot) -> None:
    said = [
        PlainTextResponse("<html>It works</html>"),
        JSONResponse([]),
        JSONResponse({"user_id": 7, "ret": "no", "ok": True, "next_batch": None}),
        PlainTextResponse("no such page", 418),
        RedirectResponse("http://127.0.0.1:1/", 302),
    ]
    for call in calls_of(bot):
        for answer in said:
            bot.stand_in.failing = answer
            is_sent = call == "send" and bot.provider == "matrix"
            if is_sent and answer is said[2]:
                continue  # nothing of that answer is read
            with pytest.raises(NotUnderstood):
                await bot.call(call)


async def test_a_service_that_fails_or_is_not_there_is_unreachable(bot: Bot) -> None:
    bot.stand_in.failing = PlainTextResponse("bad gateway", 502)
    for call in calls_of(bot):
        with pytest.raises(Unreachable):
            await bot.call(call)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nowhere = f"http://127.0.0.1:{listener.getsockname()[1]}"
    base_url = nowhere if bot.provider == "matrix" else ""
    credentials = attrs.evolve(bot.credentials, base_url=base_url)
    async with services_at(nowhere) as services:
        gone = attrs.evolve(bot, service=services.of(bot.provider))
        for call in calls_of(bot):
            with pytest.raises(Unreachable):
                await gone.call(call, credentials)


async def test_a_service_says_how_long_it_wants_to_be_left_alone(bot: Bot) -> None:
    bot.stand_in.failing = bot.stand_in.too_many(7)
    for call in calls_of(bot):
        with pytest.raises(RateLimited) as limited:
            await bot.call(call)
        assert limited.value.pause == 7
    bot.stand_in.failing = PlainTextResponse("slow down", 429)
    for call in calls_of(bot):
        with pytest.raises(RateLimited) as limited:
            await bot.call(call)
        assert limited.value.pause == 30


async def test_the_cursor_moves_over_the_messages_and_an_older_one_gives_them_again(
    bot: Bot,
) -> None:
    service, stand_in = bot.service, bot.stand_in
    start = "" if bot.provider != "matrix" else (await service.receive(bot.credentials, "")).cursor
    stand_in.write("one")
    stand_in.write("two")
    first = await service.receive(bot.credentials, start)
    assert [each.text for each in first.messages] == ["one", "two"]
    assert len({each.id for each in first.messages}) == 2
    again = await service.receive(bot.credentials, start)
    assert again == first
    stand_in.write("three")
    second = await service.receive(bot.credentials, first.cursor)
    assert [each.text for each in second.messages] == ["three"]
    assert second.messages[0].user_id == first.messages[0].user_id


async def test_an_answer_goes_to_where_the_message_came_from(bot: Bot) -> None:
    bot.stand_in.write("Hello")
    batch = await bot.service.receive(bot.credentials, "0" if bot.provider == "matrix" else "")
    (message,) = batch.messages
    await bot.service.send(bot.credentials, message.reply_to, "Hello yourself", key="1")
    assert bot.stand_in.sent == [(SENT_TO[bot.provider], "Hello yourself")]


async def test_a_long_text_is_sent_in_parts(bot: Bot) -> None:
    text = "\n".join("word " * 99 for _ in range(50))
    to = "5 context-5" if bot.provider == "weixin" else "5"
    await bot.service.send(bot.credentials, to, text, key="1")
    sent = [part for _, part in bot.stand_in.sent]
    assert len(sent) > 1
    assert "\n".join(sent) == text


async def test_no_log_line_and_no_error_shows_a_token(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "7:another-secret"
    bot.stand_in.write("Hello")
    for call in CALLS:
        await bot.call(call)
        try:
            await bot.call(call, attrs.evolve(bot.credentials, token=secret))
        except OutsideError as trouble:
            said = f"{trouble!r} {trouble} {trouble.__context__!r} {trouble.__cause__!r}"
            assert secret not in said
    told = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    told += repr(bot.credentials) + repr(bot.service)
    assert TOKEN not in told
    assert secret not in told


async def test_a_repeated_key_is_sent_once_where_the_service_knows_keys() -> None:
    async with bot_at("matrix") as bot:
        for _ in range(2):
            await bot.service.send(bot.credentials, "!5:matrix.example", "Hi", key="a key?")
    assert [text for _, text in bot.stand_in.sent] == ["Hi"]


async def test_matrix_drops_what_was_written_before_and_accepts_invitations() -> None:
    async with bot_at("matrix") as bot:
        assert isinstance(bot.stand_in, MatrixStandIn)
        bot.stand_in.write("an old message")
        bot.stand_in.invited.append("!new:matrix.example")
        batch = await bot.service.receive(bot.credentials, "")
    assert (batch.messages, batch.cursor) == ((), "1")
    assert bot.stand_in.joined == ["!new:matrix.example"]


async def test_matrix_brings_what_a_sync_has_left_out() -> None:
    async with bot_at("matrix") as bot:
        assert isinstance(bot.stand_in, MatrixStandIn)
        bot.stand_in.page = 3
        texts = [f"message {number}" for number in range(10)]
        for text in texts:
            bot.stand_in.write(text)
        batch = await bot.service.receive(bot.credentials, "0")
    assert [each.text for each in batch.messages] == texts


async def test_telegram_tells_groups_and_who_is_spoken_to() -> None:
    async with bot_at("telegram") as bot:
        bot.stand_in.write("to nobody", is_group=True)
        bot.stand_in.write("hey @Good_Bot", is_group=True)
        bot.stand_in.write("hello")
        batch = await bot.service.receive(bot.credentials, "")
    told = [(each.is_group, each.mentioned) for each in batch.messages]
    assert told == [(True, False), (True, True), (False, False)]


async def test_a_weixin_bot_is_logged_in_by_a_qr_code() -> None:
    async with standing_in("weixin") as stand_in, services_at(stand_in.url) as services:
        assert isinstance(stand_in, WeixinStandIn)
        login = services.weixin_login()
        assert await login.start() == Started("qr-1", f"{stand_in.url}/qr-1")
        assert (await login.poll("", "qr-1")).status == "wait"
        stand_in.status = {
            "status": "confirmed",
            "bot_token": TOKEN,
            "ilink_bot_id": "bot@1",
            "baseurl": "https://elsewhere.weixin.qq.com",
            "ilink_user_id": "ann",
        }
        expected = Polled("confirmed", TOKEN, "bot@1", "https://elsewhere.weixin.qq.com", "ann")
        assert await login.poll(stand_in.url, "qr-1") == expected


@pytest.mark.parametrize(
    "address",
    [
        "http://ilinkai.weixin.qq.com",
        "https://weixin.qq.com.evil.example",
        "https://evilweixin.qq.com",
        "https://u:p@ilinkai.weixin.qq.com",
        "https://127.0.0.1",
        "https://ilinkai.weixin.qq.com@127.0.0.1",
        "https://[::1",
        "https://evil.example/.wechat.com",
    ],
)
async def test_ilink_leads_nobody_to_another_host(address: str) -> None:
    async with standing_in("weixin") as stand_in, services_at(stand_in.url) as services:
        with pytest.raises(Unreachable):
            await services.weixin_login().poll(address, "qr-1")
        with pytest.raises(Unreachable):
            await services.of("weixin").receive(Credentials(address, TOKEN), "")
    assert stand_in.asked == []


async def test_a_homeserver_in_a_private_network_is_not_called() -> None:
    async with (
        standing_in("matrix") as stand_in,
        services_at(stand_in.url, private_addresses_allowed=False) as services,
    ):
        with pytest.raises(Unreachable):
            await services.of("matrix").identify(Credentials(stand_in.url, TOKEN))
    assert stand_in.asked == []


async def test_what_telegram_needs_is_said_in_one_line_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("agentserver_reference.gateways.im.services.find_spec", lambda _: None)
    async with services_at("http://127.0.0.1:1") as services:
        with pytest.raises(ServiceUnavailable) as refused:
            services.of("telegram")
    assert "agentserver[im]" in refused.value.line
    assert [record.message for record in caplog.records] == [refused.value.line]


def test_a_text_is_cut_at_the_end_of_a_line_if_possible() -> None:
    assert parts("", 5) == [""]
    assert parts("12345", 5) == ["12345"]
    assert parts("12\n345", 5) == ["12", "345"]
    assert parts("1234567", 5) == ["12345", "67"]
