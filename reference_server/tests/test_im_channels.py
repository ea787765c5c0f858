"""Channels of workspaces: how bots are connected, kept, changed, bound to sandboxes and deleted."""

import asyncio
import logging
from typing import Any

import attrs
import pytest
from people import ReferenceServer, User, error_of, ok, start_server
from sqlalchemy import insert, select

from agentserver_reference.gateways import failures
from agentserver_reference.gateways.im import service
from agentserver_reference.gateways.im.simulated import SimulatedTelegram
from agentserver_reference.settings import Settings
from agentserver_reference.storage import im_channels, tables
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query, Record

pytestmark = pytest.mark.anyio

TOKEN = "1234567:eXaMpLe-token_of-a-bot-0123456789"
OTHER_TOKEN = "1234567:aNoThEr-token_of-the-bot-012345678"
MATRIX = {"homeserver_url": "https://matrix.example.com", "access_token": "syt_eXaMpLe"}


@attrs.frozen
class Channels:
    """The channels of a workspace, over HTTP."""

    workspace_id: str
    owner: User

    @property
    def path(self) -> str:
        return f"/api/workspaces/{self.workspace_id}/im"

    async def connect(self, number: int = 1) -> str:
        """Connect a bot, and return the id of its channel."""
        body = {"bot_token": f"{number}:{TOKEN.partition(':')[2]}"}
        made = ok(await self.owner.request("POST", f"{self.path}/telegram/configure", body)).json()
        (found,) = (row["id"] for row in await self.rows() if row["bot_id"] == made["bot_id"])
        assert isinstance(found, str)
        return found

    async def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.owner.read(f"{self.path}/channels"))["channels"]
        return rows

    async def create_sandbox(self, type: str = "openclaw") -> str:
        """Create a sandbox, and return its id."""
        body = {"name": "a sandbox", "type": type}
        path = f"/api/workspaces/{self.workspace_id}/sandboxes"
        created: str = ok(await self.owner.request("POST", path, body)).json()["id"]
        return created

    async def bound(self, sandbox_id: str) -> str | None:
        """The bot that is bound to a sandbox, as it is shown, alone and in the list."""
        shown = await self.owner.read(f"/api/sandboxes/{sandbox_id}")
        listed = await self.owner.read(f"/api/workspaces/{self.workspace_id}/sandboxes")
        (row,) = (each for each in listed if each["id"] == sandbox_id)
        assert row.get("im_bindings") == shown.get("im_bindings")
        (binding,) = shown.get("im_bindings", [None])
        return None if binding is None else binding["bot_id"]


@pytest.fixture
async def channels(server: ReferenceServer) -> Channels:
    owner = await server.create_user("owner@example.com")
    return Channels(await owner.create_workspace(), owner)


async def stored(server: ReferenceServer) -> list[Record]:
    return await server.store.read(
        lambda conn: Query(select(*tables.im_channels.columns)).all(conn)
    )


def bot(number: int) -> str:
    return f"simulated_{number}_bot"


# --- connecting -----------------------------------------------------------------------------------


async def test_a_token_is_stored_encrypted_and_shown_nowhere(
    server: ReferenceServer, channels: Channels, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path = f"{channels.path}/telegram/configure"
    made = ok(await channels.owner.request("POST", path, {"bot_token": TOKEN}))
    assert made.json() == {"connected": True, "bot_id": bot(1234567)}
    listed = ok(await channels.owner.get(f"{channels.path}/channels"))
    (row,) = listed.json()["channels"]
    assert row == {
        "id": row["id"],
        "workspace_id": channels.workspace_id,
        "provider": "telegram",
        "bot_id": bot(1234567),
        "require_mention": False,
        "routing_mode": "codex",
        "bound_at": "2026-11-23T10:00:00Z",
    }
    (kept,) = await stored(server)
    assert TOKEN not in str(kept) + listed.text + made.text + caplog.text
    opened = server.context.cipher.decrypt(
        kept["token_encrypted"], row=row["id"], column=im_channels.TOKEN_COLUMN
    )
    assert opened == TOKEN


async def test_a_bot_that_is_connected_again_keeps_its_channel(
    server: ReferenceServer, channels: Channels
) -> None:
    """It has the new token, and comes last."""
    first = await channels.connect(1234567)
    second = await channels.connect(2)
    ok(
        await channels.owner.request(
            "PATCH", f"{channels.path}/channels/{first}", {"routing_mode": "nanoclaw"}
        )
    )
    server.clock.advance(seconds=5)
    path = f"{channels.path}/telegram/configure"
    ok(await channels.owner.request("POST", path, {"bot_token": OTHER_TOKEN}))
    rows = await channels.rows()
    assert [row["id"] for row in rows] == [second, first]
    assert (rows[1]["routing_mode"], rows[1]["bound_at"]) == ("nanoclaw", "2026-11-23T10:00:05Z")
    (kept,) = (row for row in await stored(server) if row["id"] == first)
    cipher, column = server.context.cipher, im_channels.TOKEN_COLUMN
    assert cipher.decrypt(kept["token_encrypted"], row=first, column=column) == OTHER_TOKEN


async def test_a_bot_that_is_connected_several_times_at_once_has_one_channel(
    channels: Channels,
) -> None:
    path = f"{channels.path}/telegram/configure"
    sent = [channels.owner.request("POST", path, {"bot_token": TOKEN}) for _ in range(6)]
    assert {each.status_code for each in await asyncio.gather(*sent)} == {200}
    assert len(await channels.rows()) == 1


async def test_a_bot_may_be_connected_to_several_workspaces(channels: Channels) -> None:
    other = Channels(await channels.owner.create_workspace(), channels.owner)
    assert await channels.connect() != await other.connect()
    assert len(await channels.rows()) == len(await other.rows()) == 1


async def test_a_matrix_account_is_connected_by_its_homeserver(
    server: ReferenceServer, channels: Channels
) -> None:
    path = f"{channels.path}/matrix/configure"
    body = {**MATRIX, "recovery_key": "EsTc secret"}
    made = ok(await channels.owner.request("POST", path, body)).json()
    assert made["connected"]
    assert made["bot_id"].endswith(":matrix.example.com")
    (row,) = await channels.rows()
    assert (row["provider"], row["bot_id"]) == ("matrix", made["bot_id"])
    (kept,) = await stored(server)
    assert kept["base_url"] == "https://matrix.example.com"
    assert "EsTc" not in str(kept)


@pytest.mark.parametrize(
    "address",
    [
        *("https://10.0.0.1", "https://localhost", "https://127.1", "https://[::ffff:10.0.0.1]"),
        *("http://matrix.example.com", "matrix.example.com", "https://a:b@matrix.example.com"),
        *("https://", "ftp://matrix.example.com", "https://matrix.example.com?a", "x"),
    ],
)
async def test_a_homeserver_that_is_not_allowed_is_never_asked(
    channels: Channels, address: str
) -> None:
    path = f"{channels.path}/matrix/configure"
    refused = await channels.owner.request("POST", path, {**MATRIX, "homeserver_url": address})
    status, line = error_of(refused)
    assert (status, line.partition(":")[0]) == (400, "homeserver_url")
    assert await channels.rows() == []


async def test_an_operator_may_allow_homeservers_in_private_networks(settings: Settings) -> None:
    async with start_server(settings, private_addresses_allowed=True) as server:
        owner = await server.create_user("owner@example.com")
        channels = Channels(await owner.create_workspace(), owner)
        path = f"{channels.path}/matrix/configure"
        for url in ("http://localhost:8008", "https://10.0.0.1"):
            ok(await owner.request("POST", path, {**MATRIX, "homeserver_url": url}))
        assert len(await channels.rows()) == 2


TROUBLE: dict[str, tuple[failures.OutsideError, tuple[int, str]]] = {
    "refused": (failures.CredentialRefused(), (400, "bot_token: Telegram does not accept it")),
    "unreachable": (failures.Unreachable(), (502, "Telegram cannot be reached")),
    "rate limited": (failures.RateLimited(pause=7), (502, "Telegram cannot be reached")),
    "not understood": (failures.NotUnderstood(), (502, "Telegram has sent an invalid response")),
}


@pytest.mark.parametrize("case", TROUBLE)
async def test_a_failure_of_a_service_is_told_in_our_words(
    channels: Channels, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble, told = TROUBLE[case]
    trouble.args = (f"says something with {TOKEN}",)

    async def identify(_: object, credentials: service.Credentials) -> str:
        raise trouble

    monkeypatch.setattr(SimulatedTelegram, "identify", identify)
    path = f"{channels.path}/telegram/configure"
    answer = await channels.owner.request("POST", path, {"bot_token": TOKEN})
    assert error_of(answer) == told
    assert await channels.rows() == []


@pytest.mark.parametrize("bot_id", ["", "b" * 256, "a\0b"])
async def test_a_bot_without_a_usable_name_is_not_connected(
    channels: Channels, bot_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def identify(_: object, credentials: service.Credentials) -> str:
        return bot_id

    monkeypatch.setattr(SimulatedTelegram, "identify", identify)
    path = f"{channels.path}/telegram/configure"
    answer = await channels.owner.request("POST", path, {"bot_token": TOKEN})
    assert error_of(answer) == (502, "Telegram has sent an invalid response")


async def test_nothing_is_connected_where_the_operator_has_switched_messages_off(
    settings: Settings,
) -> None:
    async with start_server(settings, im="off") as server:
        owner = await server.create_user("owner@example.com")
        channels = Channels(await owner.create_workspace(), owner)
        for path, body in (("telegram", {"bot_token": TOKEN}), ("matrix", MATRIX)):
            answer = await owner.request("POST", f"{channels.path}/{path}/configure", body)
            assert error_of(answer) == (503, "messages not configured")
        assert await channels.rows() == []


@pytest.mark.parametrize("token", ["", "a b", "1:a/../b", "1:a?b", "ä", "1" * 256, None, 7])
async def test_what_cannot_be_a_token_is_never_sent_to_telegram(
    channels: Channels, token: Any
) -> None:
    path = f"{channels.path}/telegram/configure"
    status, line = error_of(await channels.owner.request("POST", path, {"bot_token": token}))
    assert (status, line.partition(":")[0]) == (400, "bot_token")


async def test_a_member_who_has_left_meanwhile_connects_nothing(
    server: ReferenceServer, channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await server.create_user("member@example.com")
    members = f"/api/workspaces/{channels.workspace_id}/members"
    body = {"email": member.email, "role": "developer"}
    ok(await channels.owner.request("POST", members, body))

    async def identify(_: object, credentials: service.Credentials) -> str:
        ok(await channels.owner.request("DELETE", f"{members}/{member.id}"))
        return "a_bot"

    monkeypatch.setattr(SimulatedTelegram, "identify", identify)
    path = f"{channels.path}/telegram/configure"
    assert (await member.request("POST", path, {"bot_token": TOKEN})).status_code == 403
    assert await channels.rows() == []


# --- changing -------------------------------------------------------------------------------------


async def test_a_channel_is_changed_as_far_as_something_is_given(channels: Channels) -> None:
    changed, other = await channels.connect(1), await channels.connect(2)
    path = f"{channels.path}/channels/{changed}"
    expected: dict[str, Any] = {"require_mention": False, "routing_mode": "codex"}
    steps: list[dict[str, Any]] = [
        *({}, {"require_mention": None, "routing_mode": None}, {"cursor": "x"}),
        *({"require_mention": True}, {"routing_mode": "nanoclaw"}),
        *({"require_mention": False, "routing_mode": None}, {"routing_mode": "codex"}),
        {"require_mention": True, "routing_mode": "nanoclaw"},
    ]
    for given in steps:
        answer = ok(await channels.owner.request("PATCH", path, given))
        assert answer.json() == {"status": "updated"}
        expected |= {name: given[name] for name in expected if given.get(name) is not None}
        rows = {row["id"]: row for row in await channels.rows()}
        assert {name: rows[changed][name] for name in expected} == expected, given
        assert (rows[other]["require_mention"], rows[other]["routing_mode"]) == (False, "codex")


@pytest.mark.parametrize(
    "body",
    [
        *({"require_mention": True, "routing_mode": mode} for mode in ("", "Codex", "other", 1)),
        *({"require_mention": value, "routing_mode": "nanoclaw"} for value in (0, 1, "true")),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    channels: Channels, body: dict[str, Any]
) -> None:
    path = f"{channels.path}/channels/{await channels.connect()}"
    before = await channels.rows()
    assert (await channels.owner.request("PATCH", path, body)).status_code == 400
    assert await channels.rows() == before


async def test_a_channel_is_of_its_workspace_only(channels: Channels) -> None:
    channel = await channels.connect()
    other = Channels(await channels.owner.create_workspace(), channels.owner)
    sandbox = await other.create_sandbox()
    for method, path, body in (
        ("PATCH", f"{other.path}/channels/{channel}", {"require_mention": True}),
        ("PATCH", f"{other.path}/channels/{channel}", {}),
        ("DELETE", f"{other.path}/channels/{channel}", None),
        ("POST", f"/api/sandboxes/{sandbox}/im/bind", {"channel_id": channel}),
    ):
        status, line = error_of(await channels.owner.request(method, path, body))
        assert (status, line[:17]) == (404, "channel not found")
    assert (await channels.rows())[0]["require_mention"] is False


async def test_a_deleted_channel_is_gone_with_its_token(
    server: ReferenceServer, channels: Channels
) -> None:
    gone, stays = await channels.connect(1), await channels.connect(2)
    path = f"{channels.path}/channels/{gone}"
    ok(await channels.owner.request("DELETE", path))
    assert [row["id"] for row in await stored(server)] == [stays]
    for method, body in (("DELETE", None), ("PATCH", {"require_mention": True})):
        again = await channels.owner.request(method, path, body)
        assert error_of(again) == (404, "channel not found")
    assert await channels.connect(1) != gone


async def test_a_workspace_takes_its_channels_along(
    server: ReferenceServer, channels: Channels
) -> None:
    await channels.connect()
    ok(await channels.owner.request("DELETE", f"/api/workspaces/{channels.workspace_id}"))
    assert await stored(server) == []


@pytest.mark.parametrize("role", ["guest", "developer"])
async def test_members_list_and_developers_change(
    server: ReferenceServer, channels: Channels, role: str
) -> None:
    channel, sandbox = await channels.connect(), await channels.create_sandbox()
    member = await server.create_user("member@example.com")
    members = f"/api/workspaces/{channels.workspace_id}/members"
    ok(await channels.owner.request("POST", members, {"email": member.email, "role": role}))
    assert len((await member.read(f"{channels.path}/channels"))["channels"]) == 1
    for method, path, body in (
        ("POST", f"{channels.path}/telegram/configure", {"bot_token": TOKEN}),
        ("POST", f"{channels.path}/matrix/configure", MATRIX),
        ("PATCH", f"{channels.path}/channels/{channel}", {"require_mention": True}),
        ("POST", f"/api/sandboxes/{sandbox}/im/bind", {"channel_id": channel}),
        ("DELETE", f"/api/sandboxes/{sandbox}/im/bind", None),
        ("DELETE", f"{channels.path}/channels/{channel}", None),
    ):
        answer = await member.request(method, path, body)
        assert answer.is_success == (role == "developer"), (method, path, answer.text)
        assert answer.is_success or answer.status_code == 403


# --- sandboxes ------------------------------------------------------------------------------------


async def test_a_channel_moves_to_the_sandbox_that_it_is_bound_to(channels: Channels) -> None:
    first, second = await channels.connect(1), await channels.connect(2)
    one, other = await channels.create_sandbox(), await channels.create_sandbox("nanoclaw")

    async def bind(sandbox: str, channel: str) -> None:
        path = f"/api/sandboxes/{sandbox}/im/bind"
        answer = ok(await channels.owner.request("POST", path, {"channel_id": channel}))
        assert answer.json() == {"status": "bound"}

    for _ in range(2):  # the second time it is so already
        await bind(one, first)
        assert (await channels.bound(one), await channels.bound(other)) == (bot(1), None)
    await bind(other, first)
    assert (await channels.bound(one), await channels.bound(other)) == (None, bot(1))
    await bind(other, second)
    await bind(one, first)
    assert (await channels.bound(one), await channels.bound(other)) == (bot(1), bot(2))
    for _ in range(2):
        path = f"/api/sandboxes/{one}/im/bind"
        assert ok(await channels.owner.request("DELETE", path)).json() == {"status": "unbound"}
        assert (await channels.bound(one), await channels.bound(other)) == (None, bot(2))
    assert len(await channels.rows()) == 2


async def test_a_channel_is_on_one_sandbox_whoever_binds_at_once(channels: Channels) -> None:
    made = [await channels.connect(number) for number in range(1, 3)]
    sandboxes = [await channels.create_sandbox() for _ in range(4)]
    for _ in range(3):
        answers = await asyncio.gather(
            *(
                channels.owner.request(
                    "POST", f"/api/sandboxes/{sandbox}/im/bind", {"channel_id": channel}
                )
                for sandbox in sandboxes
                for channel in made
            )
        )
        assert {each.status_code for each in answers} == {200}
        bound = [await channels.bound(each) for each in sandboxes]
        once = [each for each in bound if each is not None]
        assert once, answers
        assert len(once) == len(set(once)), bound


async def test_a_channel_that_goes_leaves_its_sandbox_and_the_other_way_round(
    channels: Channels,
) -> None:
    channel, sandbox = await channels.connect(), await channels.create_sandbox()
    path = f"/api/sandboxes/{sandbox}/im/bind"
    ok(await channels.owner.request("POST", path, {"channel_id": channel}))
    ok(await channels.owner.request("DELETE", f"{channels.path}/channels/{channel}"))
    assert await channels.bound(sandbox) is None
    channel = await channels.connect()
    ok(await channels.owner.request("POST", path, {"channel_id": channel}))
    ok(await channels.owner.request("DELETE", f"/api/sandboxes/{sandbox}"))
    assert [row["id"] for row in await channels.rows()] == [channel]
    sandbox = await channels.create_sandbox()
    path = f"/api/sandboxes/{sandbox}/im/bind"
    ok(await channels.owner.request("POST", path, {"channel_id": channel}))
    assert await channels.bound(sandbox) == bot(1)


async def test_only_some_types_show_their_channel_and_only_when_they_are_read(
    channels: Channels,
) -> None:
    channel = await channels.connect()
    for kind, is_shown in (("opencode", False), ("jupyter", False), ("nanoclaw", True)):
        sandbox = await channels.create_sandbox(kind)
        path = f"/api/sandboxes/{sandbox}/im/bind"
        ok(await channels.owner.request("POST", path, {"channel_id": channel}))
        assert (await channels.bound(sandbox) is not None) == is_shown, kind
        body = {"name": "renamed"}
        renamed = ok(await channels.owner.request("PATCH", f"/api/sandboxes/{sandbox}", body))
        assert "im_bindings" not in renamed.json()


async def test_a_channel_of_wechat_is_shown_twice(
    server: ReferenceServer, channels: Channels
) -> None:
    def add(conn: Connection) -> None:
        values = {
            "id": "a-channel",
            "workspace_id": channels.workspace_id,
            "provider": "weixin",
            "bot_id": "b-im",
            "user_id": "u-im",
            "base_url": "",
            "token_encrypted": "x",
            "cursor": "",
            "require_mention": False,
            "routing_mode": "codex",
            "position": 1,
            "bound_at": "2026-11-23T10:00:00Z",
        }
        conn.execute(insert(tables.im_channels), values)

    await server.store.write(add)
    assert (await channels.rows())[0]["user_id"] == "u-im"
    sandbox = await channels.create_sandbox()
    path = f"/api/sandboxes/{sandbox}/im/bind"
    ok(await channels.owner.request("POST", path, {"channel_id": "a-channel"}))
    shown = await channels.owner.read(f"/api/sandboxes/{sandbox}")
    assert shown["im_bindings"] == shown["weixin_bindings"]
    assert shown["im_bindings"] == [
        {
            "provider": "weixin",
            "bot_id": "b-im",
            "user_id": "u-im",
            "bound_at": "2026-11-23T10:00:00Z",
        }
    ]


async def test_unknown_sandboxes_and_channels_are_404_and_bodies_are_checked_first(
    channels: Channels,
) -> None:
    sandbox = await channels.create_sandbox()
    for sandbox_id, body, expected in (
        ("unknown", {"channel_id": "unknown"}, (404, "sandbox not found")),
        (sandbox, {"channel_id": "unknown"}, (404, "channel not found in this workspace")),
        (sandbox, {"channel_id": "x" * 255}, (404, "channel not found in this workspace")),
    ):
        answer = await channels.owner.request("POST", f"/api/sandboxes/{sandbox_id}/im/bind", body)
        assert error_of(answer) == expected
    for wrong in ({}, {"channel_id": ""}, {"channel_id": None}, {"channel_id": "a\0b"}):
        answer = await channels.owner.request("POST", f"/api/sandboxes/{sandbox}/im/bind", wrong)
        assert answer.status_code == 400
    gone = await channels.owner.request("DELETE", "/api/sandboxes/unknown/im/bind")
    assert error_of(gone) == (404, "sandbox not found")
