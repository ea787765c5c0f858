"""What people connect with codex tokens: who may, what it is shown as, and what cuts it off."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from listening import SECONDS
from machines import USER_AGENT, Site, running, sign_up, site, until
from people import User, error_of, ok
from processes import serving_processes
from remotes import PATH, Remote, connecting
from sqlalchemy import select
from timeline import Timeline
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentserver_reference.settings import Settings
from agentserver_reference.storage import tables
from agentserver_reference.storage.engine.query import Query

pytestmark = pytest.mark.anyio

SAID = "This is the built-in model of agentserver, not a language model."


@pytest.fixture
async def here(settings: Settings) -> AsyncIterator[Site]:
    async with site(settings) as opened:
        yield opened


async def mint(here: Site, user: User | None = None, **changes: Any) -> dict[str, Any]:
    """A new token."""
    body = {"workspace_id": here.workspace_id, "name": "Laptop"} | changes
    made: dict[str, Any] = ok(
        await (user or here.owner).request("POST", "/api/codex/tokens", body)
    ).json()
    return made


async def browsers(here: Site, user: User | None = None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await (user or here.owner).read(
        f"/api/workspaces/{here.workspace_id}/browsers"
    )
    return rows


# --- who may --------------------------------------------------------------------------------------


async def refused(client: httpx.AsyncClient, token: str | None, **headers: str) -> int:
    with pytest.raises(InvalidStatus) as answer:
        async with connecting(client, token, **headers):
            pass
    return answer.value.response.status_code


async def test_a_valid_token_alone_opens_a_session(here: Site) -> None:
    made = await mint(here)
    wrong = [None, "ast_x", made["token"][:-1] + "!", made["token"].upper(), f"{made['token']}0"]
    other = made["token"][:-1] + ("0" if made["token"][-1] != "0" else "1")
    for token in (*wrong, other, "wak_00000000_" + "0" * 40):
        assert await refused(here.client, token) == 401, token
    assert await refused(here.client, None, Cookie=here.owner.cookie) == 401
    assert (await here.client.get(PATH)).status_code == 426
    origin = {"Origin": "https://elsewhere.example.com"}
    assert await refused(here.client, made["token"], **origin) == 403
    for path in (PATH, "/"):  # codex takes an address without a path
        async with connecting(here.client, made["token"], path):
            pass


async def test_a_token_opens_any_number_of_sessions_until_it_ends(here: Site) -> None:
    made = await mint(here, ttl_days=1)
    async with connecting(here.client, made["token"]), connecting(here.client, made["token"]):
        pass
    here.timeline.now += timedelta(days=1)
    assert await refused(here.client, made["token"]) == 401


# --- what is shown --------------------------------------------------------------------------------


async def test_a_token_is_listed_with_what_is_connected_with_it(here: Site) -> None:
    made = await mint(here)
    hidden = await mint(here, name="revoked")
    ok(await here.owner.request("DELETE", f"/api/codex/tokens/{hidden['id']}"))
    newer = await mint(here, name="newer")
    plain = {name: made[name] for name in ("id", "name", "workspace_id", "created_at")}
    plain["expires_at"] = made["expires_at"]
    first, second = await browsers(here)
    assert first["id"] == newer["id"]
    assert second == plain | {"is_online": False}
    moment = "2026-11-23T10:00:00Z"
    async with connecting(here.client, made["token"]) as socket:
        client = {"client_ip": "127.0.0.1", "client_ua": USER_AGENT, "codex_version": "0.140.0"}
        known = plain | client | {"os": "Debian", "last_used_at": moment, "connected_at": moment}
        assert (await browsers(here))[1] == known | {"is_online": True}
        await Remote(socket).initialize()
        known["client_ua"] = "codex-tui/0.140.0"
        assert (await browsers(here))[1] == known | {"is_online": True}
        here.timeline.now += timedelta(seconds=30)
    row = await until_offline(here, 1)
    assert row == known | {"is_online": False, "disconnected_at": "2026-11-23T10:00:30Z"}


async def until_offline(here: Site, place: int = 0) -> dict[str, Any]:
    """The row of a token with which nothing is connected any more."""

    async def is_offline() -> bool:
        return not (await browsers(here))[place]["is_online"]

    await until(is_offline)
    return (await browsers(here))[place]


async def test_of_several_sessions_the_newest_that_is_online_is_shown(here: Site) -> None:
    made = await mint(here)
    async with connecting(here.client, made["token"]):
        here.timeline.now += timedelta(seconds=1)
        async with connecting(here.client, made["token"]):
            (row,) = await browsers(here)
            assert row["connected_at"] == "2026-11-23T10:00:01Z"

        async def is_first_shown() -> bool:
            (row,) = await browsers(here)
            assert row["is_online"]
            return bool(row["connected_at"] == "2026-11-23T10:00:00Z")

        await until(is_first_shown)
    await until_offline(here)
    here.timeline.now += timedelta(seconds=1)
    async with connecting(here.client, made["token"]):
        rows = await here.context.store.read(
            lambda conn: Query(select(tables.codex_sessions.c.id)).all(conn)
        )
        assert len(rows) == 1, "sessions that are over are not kept"


async def test_a_session_is_online_as_long_as_its_server_gives_signs_of_life(here: Site) -> None:
    made = await mint(here)
    async with connecting(here.client, made["token"]):
        for _ in range(4):
            await here.timeline.advance(50)
            assert (await browsers(here))[0]["is_online"]
        here.timeline.now += timedelta(seconds=61)  # as if the server had died
        assert not (await browsers(here))[0]["is_online"]


async def test_browsers_are_shown_to_members_alone(here: Site) -> None:
    made = await mint(here)
    guest = await here.add_member("guest@example.com", "guest")
    assert [row["id"] for row in await browsers(here, guest)] == [made["id"]]
    other = await here.owner.create_workspace()
    assert await here.owner.read(f"/api/workspaces/{other}/browsers") == []
    path = f"/api/workspaces/{other}/browsers"
    assert error_of(await guest.request("GET", path)) == (403, "not a workspace member")


# --- what cuts it off -----------------------------------------------------------------------------


async def _revoke(here: Site, token: dict[str, Any], owner: User) -> None:
    ok(await here.owner.request("DELETE", f"/api/codex/tokens/{token['id']}"))


async def _remove_member(here: Site, token: dict[str, Any], owner: User) -> None:
    members = f"/api/workspaces/{here.workspace_id}/members"
    ok(await here.owner.request("DELETE", f"{members}/{owner.id}"))


async def _demote(here: Site, token: dict[str, Any], owner: User) -> None:
    member = f"/api/workspaces/{here.workspace_id}/members/{owner.id}"
    ok(await here.owner.request("PUT", member, {"role": "guest"}))


async def _delete_workspace(here: Site, token: dict[str, Any], owner: User) -> None:
    ok(await here.owner.request("DELETE", f"/api/workspaces/{here.workspace_id}"))


async def _expire(here: Site, token: dict[str, Any], owner: User) -> None:
    here.timeline.now += timedelta(days=90)


@pytest.mark.parametrize("end", [_revoke, _remove_member, _demote, _delete_workspace, _expire])
async def test_whatever_ends_a_token_cuts_its_sessions_within_five_seconds_in_every_process(
    settings: Settings, end: Callable[[Site, dict[str, Any], User], Awaitable[None]]
) -> None:
    timeline = Timeline()
    async with site(settings, timeline) as here:
        owner = await here.add_member("member@example.com", "developer")
        token, spared = await mint(here, owner), await mint(here, ttl_days=365)
        if settings.is_postgresql:
            async with running(settings, timeline) as (client, _):
                await _cut(here, client, token, spared, owner, end)
        else:  # one process has the file
            await _cut(here, here.client, token, spared, owner, end)


async def _cut(
    here: Site,
    client: httpx.AsyncClient,
    token: dict[str, Any],
    spared: dict[str, Any],
    owner: User,
    end: Callable[[Site, dict[str, Any], User], Awaitable[None]],
) -> None:
    """They are connected through this client's server, and ended through the site's."""
    async with (
        connecting(client, token["token"]) as socket,
        connecting(client, spared["token"]) as kept,
    ):
        await here.timeline.settle()
        await end(here, token, owner)
        assert await refused(client, token["token"]) == 401
        await here.timeline.advance(5)
        async with asyncio.timeout(SECONDS):
            with pytest.raises(ConnectionClosed) as ended:
                await socket.recv()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1008
        if end is not _delete_workspace:
            await Remote(kept).initialize()


# --- what is said ---------------------------------------------------------------------------------


async def test_a_session_has_turns_which_the_operations_log_shows(here: Site) -> None:
    made = await mint(here)
    async with connecting(here.client, made["token"]) as socket:
        remote = Remote(socket)
        await remote.initialize()
        thread = (await remote.result("thread/start", cwd="/"))["thread"]["id"]
        turn = await remote.turn("Hello", thread)
        assert turn["status"] == "completed"
        assert SAID in turn["items"][-1]["text"]
        assert (await remote.turn("Again", thread))["status"] == "completed"
        assert (await remote.turn("Hello", "unknown"))["error"]["message"].startswith("threadId")
    log = (await here.owner.read(f"/api/workspaces/{here.workspace_id}/operations"))["operations"]
    assert len(log) == 2
    for row in log:
        shown = {name: row[name] for name in ("source", "tool", "thread_id", "user_id", "is_error")}
        assert shown == {
            "source": "tui",
            "tool": "turn",
            "thread_id": thread,
            "user_id": here.owner.id,
            "is_error": False,
        }
        assert row["request_id"].startswith("cbs_")
    body = {"workspaceId": here.workspace_id, "threadId": thread, "params": {"input": []}}
    ok(await here.owner.request("POST", "/api/turns", body))


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"id": 1, "method": "thread/start"}, -32600),
        ({"id": 1, "method": "fs/readFile", "params": {"path": "/etc/passwd"}}, -32601),
        ({"id": 1, "method": "initialize", "params": [1]}, -32602),
    ],
)
async def test_what_the_built_in_engine_does_not_know_is_refused(
    here: Site, message: dict[str, Any], code: int
) -> None:
    made = await mint(here)
    async with connecting(here.client, made["token"]) as socket:
        for noise in ("no JSON", "[]", "{}", b"\x00", '{"method":"unknown"}', '{"id":1}'):
            await socket.send(noise)
        await socket.send(json.dumps(message))
        answer = await Remote(socket).read()
        assert (answer["id"], answer["error"]["code"]) == (1, code)


async def test_the_server_as_it_is_run_opens_sessions(database_url: str) -> None:
    with serving_processes(database_url, 1) as (url,):
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
            owner = await sign_up(client, "owner@example.com")
            workspace_id = await owner.create_workspace()
            body = {"workspace_id": workspace_id, "name": "Laptop"}
            made = ok(await owner.request("POST", "/api/codex/tokens", body)).json()
            async with connecting(client, made["token"]) as socket:
                await Remote(socket).initialize()
                (row,) = await owner.read(f"/api/workspaces/{workspace_id}/browsers")
                assert row["is_online"]
