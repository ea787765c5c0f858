"""Logging in by a QR code: what is shown, how often is asked, what is raised."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httpx
import pytest

from agentserver import AsyncClient, BadRequest, Client, Conflict, WaitFailed, WaitTimeout
from agentserver._transport import Runtime
from agentserver.models import IMWeixinQRStartResponse, IMWeixinQRWaitResponse

PATH = "/api/workspaces/w1/im/weixin/qr-"
BEGUN = {"qrcode_url": "https://weixin.example.com/q/1", "message": "Scan the QR code with WeChat"}
CONFIRMED = {"connected": True, "status": "confirmed", "bot_id": "a-bot"}


def news(status: str, **more: Any) -> dict[str, Any]:
    return {"connected": False, "status": status, **more}


class WeChat:
    """A server that answers one thing after the other, and the time in which it is asked."""

    def __init__(self, *answers: Any, held: float = 0.0) -> None:
        self.answers = list(answers)
        self.held = held
        self.time = 0.0
        self.asked: list[tuple[float, str]] = []
        self.read_timeouts: list[float] = []
        self.runtime = Runtime(
            clock=lambda: self.time, sleep=self.sleep, sleep_async=self.sleep_async
        )

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.time += seconds

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((self.time, request.url.path.removeprefix(PATH)))
        if request.url.path.endswith("start"):
            return httpx.Response(200, json=BEGUN)
        self.read_timeouts.append(request.extensions["timeout"]["read"])
        self.time += self.held
        answer = self.answers.pop(0)
        if isinstance(answer, tuple):
            status, line = answer
            return httpx.Response(status, text=f"{line}\n")
        return httpx.Response(200, json=answer)

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "base_url": "https://agents.example",
            "session": "0" * 64,
            "transport": httpx.MockTransport(self.answer),
            "_runtime": self.runtime,
        }


def log_in(wechat: WeChat, asynchronous: bool, on_code: Any) -> IMWeixinQRWaitResponse:
    """Log a bot in, in one way or the other."""
    if not asynchronous:
        with Client(**wechat.settings) as client:
            return client.workspaces.im.start_weixin_login("w1", wait=True, on_code=on_code)

    async def logging_in() -> IMWeixinQRWaitResponse:
        async with AsyncClient(**wechat.settings) as client:
            return await client.workspaces.im.start_weixin_login("w1", wait=True, on_code=on_code)

    return asyncio.run(logging_in())


def ignore(_: object) -> None:
    """Show nothing."""


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@both
def test_the_code_is_shown_once_and_the_server_asked_until_it_is_confirmed(
    asynchronous: bool,
) -> None:
    wechat, shown = WeChat(news("wait"), news("scaned"), CONFIRMED), list[Any]()
    ended = log_in(wechat, asynchronous, shown.append)
    assert (ended.connected, ended.bot_id) == (True, "a-bot")
    assert [each.qrcode_url for each in shown] == ["https://weixin.example.com/q/1"]
    assert wechat.asked == [(0.0, "start"), (0.0, "wait"), (1.0, "wait"), (2.0, "wait")]


@both
def test_an_answer_that_was_held_is_followed_by_the_next_question_at_once(
    asynchronous: bool,
) -> None:
    wechat = WeChat(news("wait"), news("wait"), CONFIRMED, held=35.0)
    log_in(wechat, asynchronous, ignore)
    assert [at for at, _ in wechat.asked] == [0.0, 0.0, 35.0, 70.0]
    assert min(wechat.read_timeouts) > 45


def test_what_shows_the_code_may_be_a_coroutine_function() -> None:
    shown: list[str] = []

    async def show(login: IMWeixinQRStartResponse) -> None:
        await asyncio.sleep(0)
        shown.append(login.qrcode_url)

    log_in(WeChat(CONFIRMED), True, show)
    assert shown == ["https://weixin.example.com/q/1"]


@both
def test_an_expired_code_is_raised_with_the_one_that_replaces_it(asynchronous: bool) -> None:
    another = "https://weixin.example.com/q/2"
    wechat = WeChat(news("wait"), news("expired", qrcode_url=another))
    with pytest.raises(WaitTimeout, match="in time") as raised:
        log_in(wechat, asynchronous, ignore)
    assert raised.value.state == "expired"
    assert raised.value.resource.qrcode_url == another


@both
@pytest.mark.parametrize("state", ["binded_redirect", "verify_code_blocked", "need_verifycode"])
def test_a_login_that_does_not_succeed_any_more_is_raised(asynchronous: bool, state: str) -> None:
    wechat = WeChat(news("scaned"), news(state, message="The bot is connected elsewhere."))
    with pytest.raises(WaitFailed, match=r"^The bot is connected elsewhere\.$") as raised:
        log_in(wechat, asynchronous, ignore)
    assert raised.value.state == state
    with pytest.raises(WaitFailed, match=state):
        log_in(WeChat(news(state)), asynchronous, ignore)


@both
@pytest.mark.parametrize(
    ("status", "error"), [(400, BadRequest), (409, Conflict)], ids=["is over", "is another's"]
)
def test_a_login_that_the_server_has_ended_is_raised(
    asynchronous: bool, status: int, error: type[Exception]
) -> None:
    wechat = WeChat(news("wait"), (status, "no active weixin login session"))
    with pytest.raises(error, match="no active weixin login session"):
        log_in(wechat, asynchronous, ignore)


def test_a_state_that_is_not_known_yet_is_waited_out() -> None:
    assert log_in(WeChat(news("thinking"), CONFIRMED), False, ignore).connected


def test_without_wait_the_code_is_returned_and_nothing_asked() -> None:
    wechat = WeChat()
    with Client(**wechat.settings) as client:
        begun = client.workspaces.im.start_weixin_login("w1")
    assert begun.message == "Scan the QR code with WeChat"
    assert [what for _, what in wechat.asked] == ["start"]


def test_the_raw_response_has_the_end_of_the_login() -> None:
    with Client(**WeChat(CONFIRMED).settings) as client:
        response = client.with_raw_response.workspaces.im.start_weixin_login(
            "w1", wait=True, on_code=ignore
        )
    assert response.data.status == "confirmed"


def test_the_address_is_printed_and_on_a_terminal_as_a_qr_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def printed() -> str:
        with Client(**WeChat(CONFIRMED).settings) as client:
            client.workspaces.im.start_weixin_login("w1", wait=True)
        said = capsys.readouterr()
        assert said.out == ""
        return said.err

    line = "Scan the QR code with WeChat: https://weixin.example.com/q/1\n"
    assert printed() == line
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "segno", None)
    assert printed() == line, "without the extra"
    monkeypatch.delitem(sys.modules, "segno")
    pytest.importorskip("segno", reason="the extra 'agent' is not installed")
    drawn = printed().removeprefix(line)
    assert len(drawn.splitlines()) > 10
    assert set("█▀▄") & set(drawn)
