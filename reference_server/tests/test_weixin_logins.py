"""The login of a WeChat bot by a QR code."""

import asyncio
from typing import Any

import attrs
import pytest
from people import ReferenceServer, User, error_of, ok, start_server
from sqlalchemy import select

from agentserver_reference.gateways import failures
from agentserver_reference.gateways.im import service
from agentserver_reference.gateways.im.service import Polled
from agentserver_reference.gateways.im.simulated import SimulatedWeixin
from agentserver_reference.settings import Settings
from agentserver_reference.storage import im_channels, tables
from agentserver_reference.storage.engine.query import Query, Record

pytestmark = pytest.mark.anyio

NONE = (400, "no active weixin login session")
CONFIRMED = Polled(
    "confirmed", token="tok-0123456789", bot_id="0f3a@im.bot", user_id="wxid_1", base_url=""
)


@attrs.define
class WeChat:
    """Says what the test has set."""

    says: Polled | failures.OutsideError = Polled("wait")
    started: int = 0
    start_fails: failures.OutsideError | None = None
    polled: list[tuple[str, str]] = attrs.field(factory=list)

    async def start(self) -> service.Started:
        if self.start_fails is not None:
            raise self.start_fails
        self.started += 1
        return service.Started(f"code-{self.started}", f"https://weixin.example.com/{self.started}")

    async def poll(self, base_url: str, qrcode: str) -> Polled:
        self.polled.append((base_url, qrcode))
        says = self.says
        await asyncio.sleep(0)
        if isinstance(says, failures.OutsideError):
            raise says
        return says


@attrs.frozen
class Login:
    """The login of a workspace, over HTTP."""

    server: ReferenceServer
    owner: User
    path: str
    wechat: WeChat

    async def start(self) -> str:
        started: dict[str, str] = ok(await self.owner.request("POST", f"{self.path}-start")).json()
        assert started["message"]
        return started["qrcode_url"]

    async def wait(self) -> dict[str, Any]:
        shown: dict[str, Any] = ok(await self.owner.request("POST", f"{self.path}-wait")).json()
        return shown

    async def refused(self) -> tuple[int, str]:
        return error_of(await self.owner.request("POST", f"{self.path}-wait"))

    async def channels(self) -> list[dict[str, Any]]:
        path = self.path.replace("weixin/qr", "channels")
        rows: list[dict[str, Any]] = (await self.owner.read(path))["channels"]
        return rows


@pytest.fixture
async def login(server: ReferenceServer, monkeypatch: pytest.MonkeyPatch) -> Login:
    wechat = WeChat()
    monkeypatch.setattr(SimulatedWeixin, "start", lambda _: wechat.start())
    monkeypatch.setattr(SimulatedWeixin, "poll", lambda _, *given: wechat.poll(*given))
    owner = await server.create_user("owner@example.com")
    path = f"/api/workspaces/{await owner.create_workspace()}/im/weixin/qr"
    return Login(server, owner, path, wechat)


async def stored(server: ReferenceServer, table: Any) -> list[Record]:
    return await server.store.read(lambda conn: Query(select(*table.columns)).all(conn))


async def test_a_confirmed_login_connects_its_bot_and_is_over(login: Login) -> None:
    assert await login.start() == "https://weixin.example.com/1"
    for status in ("wait", "scaned", "need_verifycode"):
        login.wechat.says = Polled(status)
        assert await login.wait() == {"connected": False, "status": status}
    login.wechat.says = CONFIRMED
    assert await login.wait() == {
        "connected": True,
        "status": "confirmed",
        "bot_id": "0f3a-im-bot",
        "user_id": "wxid_1",
    }
    (row,) = await login.channels()
    assert (row["provider"], row["bot_id"], row["user_id"]) == ("weixin", "0f3a-im-bot", "wxid_1")
    (kept,) = await stored(login.server, tables.im_channels)
    opened = login.server.context.cipher.decrypt(
        kept["token_encrypted"], row=row["id"], column=im_channels.TOKEN_COLUMN
    )
    assert opened == "tok-0123456789"
    assert await login.refused() == NONE


async def test_the_same_bot_keeps_its_channel_and_who_connected_it_first(login: Login) -> None:
    for user in ("wxid_1", "wxid_2"):
        await login.start()
        login.wechat.says = attrs.evolve(CONFIRMED, user_id=user)
        await login.wait()
    assert [row["user_id"] for row in await login.channels()] == ["wxid_1"]


async def test_of_several_who_ask_at_once_one_connects_the_bot(login: Login) -> None:
    await login.start()
    login.wechat.says = CONFIRMED
    answers = await asyncio.gather(
        *(login.owner.request("POST", f"{login.path}-wait") for _ in range(4))
    )
    statuses = sorted(each.status_code for each in answers)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {400, 409}
    assert len(await login.channels()) == 1


async def test_a_login_is_over_after_ten_minutes(login: Login) -> None:
    assert await login.refused() == NONE
    await login.start()
    login.server.clock.advance(minutes=10, seconds=-1)
    assert (await login.wait())["status"] == "wait"
    login.server.clock.advance(seconds=1)
    assert await login.refused() == NONE


async def test_an_expired_code_is_replaced(login: Login) -> None:
    await login.start()
    login.server.clock.advance(minutes=9)
    login.wechat.says = Polled("expired")
    expected = {
        "connected": False,
        "status": "expired",
        "qrcode_url": "https://weixin.example.com/2",
    }
    assert await login.wait() == expected
    login.server.clock.advance(minutes=9)
    login.wechat.says = Polled("wait")
    assert (await login.wait())["status"] == "wait"
    assert [code for _, code in login.wechat.polled] == ["code-1", "code-2"]
    login.wechat.says, login.wechat.start_fails = Polled("expired"), failures.Unreachable()
    assert await login.refused() == (502, "WeChat cannot be reached")
    assert await login.refused() == NONE


async def test_a_login_that_began_again_is_the_only_one(login: Login) -> None:
    await login.start()
    await login.start()
    await login.wait()
    assert login.wechat.polled == [("", "code-2")]


async def test_a_login_goes_on_where_wechat_says(login: Login) -> None:
    await login.start()
    login.wechat.says = Polled("scaned_but_redirect", redirect_host="sz.weixin.qq.com")
    assert await login.wait() == {"connected": False, "status": "scaned"}
    await login.wait()
    assert [at for at, _ in login.wechat.polled] == ["", "https://sz.weixin.qq.com"]


@pytest.mark.parametrize("status", ["binded_redirect", "verify_code_blocked"])
async def test_a_login_that_cannot_go_on_is_over(login: Login, status: str) -> None:
    await login.start()
    login.wechat.says = Polled(status)
    shown = await login.wait()
    assert (shown["connected"], shown["status"]) == (False, status)
    assert shown["message"]
    assert ("already_connected" in shown) == (status == "binded_redirect")
    assert await login.refused() == NONE


@pytest.mark.parametrize(
    ("says", "line"),
    [
        (failures.Unreachable(), "WeChat cannot be reached"),
        (failures.CredentialRefused(), "WeChat cannot be reached"),
        (failures.NotUnderstood(), "WeChat has sent an invalid response"),
        (Polled(""), "WeChat has sent an invalid response"),
        (Polled("something else"), "WeChat has sent an invalid response"),
        (attrs.evolve(CONFIRMED, bot_id=""), "WeChat has sent an invalid response"),
        (attrs.evolve(CONFIRMED, token=""), "WeChat has sent an invalid response"),
    ],
)
async def test_a_failure_keeps_the_login(
    login: Login, says: Polled | failures.OutsideError, line: str
) -> None:
    await login.start()
    login.wechat.says = says
    assert await login.refused() == (502, line)
    assert await login.channels() == []
    login.wechat.says = CONFIRMED
    assert (await login.wait())["connected"]


async def test_what_names_a_login_is_stored_encrypted(login: Login) -> None:
    await login.start()
    assert "code-1" not in str(await stored(login.server, tables.weixin_logins))


async def test_no_login_begins_where_messages_are_off(settings: Settings) -> None:
    async with start_server(settings, im="off") as server:
        owner = await server.create_user("owner@example.com")
        path = f"/api/workspaces/{await owner.create_workspace()}/im/weixin/qr"
        started = await owner.request("POST", f"{path}-start")
        assert error_of(started) == (503, "messages not configured")
