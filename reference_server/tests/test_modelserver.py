"""Connecting workspaces to a model server, the built-in one and one elsewhere by the same tests."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from databases import KEY
from modelservers import (
    CALLBACK,
    OWN_CONFIG,
    Connecting,
    Elsewhere,
    connecting,
    elsewhere,
    settings_for,
    told,
)
from people import User, error_of, ok
from serving import in_memory
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import tables
from agentserver_reference.storage.engine.connection import Connection

pytestmark = pytest.mark.anyio

CONNECTED = {"tab": "settings", "modelserver": "connected"}


def failed(message: str) -> dict[str, str]:
    return {"tab": "settings", "modelserver": "error", "message": message}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """On SQLite; what depends on the database is tested on both kinds below."""
    return in_memory(data_dir=tmp_path, encryption_key=KEY)


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Elsewhere]:
    async with elsewhere(tmp_path / "elsewhere") as made:
        yield made


@pytest.fixture(params=["built-in", "elsewhere"])
async def here(
    request: pytest.FixtureRequest, settings: Settings, tmp_path: Path
) -> AsyncIterator[Connecting]:
    if request.param == "built-in":
        async with connecting(settings, modelserver_auth_url="built-in") as made:
            yield made
    else:
        async with (
            elsewhere(tmp_path / "elsewhere") as other,
            connecting(settings, **settings_for(other)) as made,
        ):
            yield made


@pytest.fixture
async def anywhere(database_url: str, settings: Settings) -> AsyncIterator[Connecting]:
    """On each kind of database."""
    changes = {"database_url": database_url, "modelserver_auth_url": "built-in"}
    async with connecting(settings, **changes) as made:
        yield made


@pytest.fixture
async def asking(settings: Settings, other: Elsewhere) -> AsyncIterator[Connecting]:
    """One that asks the model server elsewhere."""
    async with connecting(settings, **settings_for(other)) as made:
        yield made


async def added(here: Connecting, role: str) -> User:
    user = await here.server.create_user(f"{role}@example.com")
    path = f"/api/workspaces/{here.workspace_id}/members"
    ok(await here.owner.request("POST", path, {"email": user.email, "role": role}))
    return user


def query_of(address: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def with_query(address: str, **changes: str | None) -> str:
    query = query_of(address) | changes
    kept = {name: value for name, value in query.items() if value is not None}
    return f"{address.partition('?')[0]}?{urlencode(kept)}"


async def expect_unchanged(here: Connecting) -> None:
    """Nothing is connected, and the workspace's own endpoint is as it was."""
    assert await here.status() == {"connected": False}
    config = await here.own_config()
    assert config["configured"], config
    assert config["base_url"] == OWN_CONFIG["base_url"]


# --- on each kind of database ---------------------------------------------------------------------


async def test_a_connection_is_stored_changed_and_removed(anywhere: Connecting) -> None:
    assert await anywhere.connect() == CONNECTED
    anywhere.server.clock.advance(hours=1)
    assert await anywhere.connect() == CONNECTED
    assert (await anywhere.status())["connected_at"] == "2026-11-23T10:00:00Z"
    assert (await anywhere.own_config())["configured"] is False
    ok(await anywhere.owner.request("DELETE", anywhere.path("disconnect")))
    assert await anywhere.status() == {"connected": False}


async def test_a_state_is_used_once_also_by_two_at_the_same_time(anywhere: Connecting) -> None:
    address = await anywhere.permitted(await anywhere.page())
    answers = await asyncio.gather(*(anywhere.come_back(address) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [302, 400, 400]
    refused = next(each for each in answers if each.status_code == 400)
    assert error_of(refused) == (400, "invalid oauth state")
    assert error_of(await anywhere.come_back(address)) == (400, "invalid oauth state")
    assert (await anywhere.status())["connected"]


async def test_several_begin_at_the_same_time(anywhere: Connecting) -> None:
    pages = await asyncio.gather(*(anywhere.page() for _ in range(3)))
    outcomes = [
        (await anywhere.come_back(await anywhere.permitted(page))).status_code for page in pages
    ]
    assert sorted(outcomes) == [302, 400, 400], "the last one counts"


async def test_a_deleted_workspace_takes_its_connection_along(anywhere: Connecting) -> None:
    await anywhere.connect()
    await anywhere.page()
    ok(await anywhere.owner.request("DELETE", f"/api/workspaces/{anywhere.workspace_id}"))
    assert await anywhere.server.store.read(stored) == []


# --- both -----------------------------------------------------------------------------------------


async def test_a_workspace_is_connected_shown_and_disconnected(here: Connecting) -> None:
    assert await here.status() == {"connected": False}
    assert await here.connect() == CONNECTED
    shown = await here.status()
    models = shown.pop("models")
    assert [each["id"] for each in models] == [each["name"] for each in models]
    assert models
    assert shown == {
        "connected": True,
        "project_id": "built-in",
        "project_name": "Built-in",
        "connected_at": "2026-11-23T10:00:00Z",
    }
    assert (await here.own_config())["configured"] is False
    for _ in range(2):  # the second time there is nothing left
        ok(await here.owner.request("DELETE", here.path("disconnect")))
        assert await here.status() == {"connected": False}
    assert (await here.own_config())["configured"] is False


async def test_the_page_gets_a_challenge_and_no_verifier(here: Connecting) -> None:
    first, second = query_of(await here.page()), query_of(await here.page())
    fixed = {
        "response_type": "code",
        "client_id": "agentserver",
        "redirect_uri": CALLBACK,
        "scope": "project:inference offline_access",
        "code_challenge_method": "S256",
        "prompt": "consent",
    }
    assert {name: first[name] for name in fixed} == fixed
    assert first.keys() == fixed.keys() | {"state", "code_challenge"}
    assert len(first["state"]) == 32
    assert len(first["code_challenge"]) == 43
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


async def test_connecting_again_keeps_the_first_time(here: Connecting) -> None:
    await here.connect()
    here.server.clock.advance(hours=1)
    assert await here.connect() == CONNECTED
    assert (await here.status())["connected_at"] == "2026-11-23T10:00:00Z"
    ok(await here.owner.request("DELETE", here.path("disconnect")))
    await here.connect()
    assert (await here.status())["connected_at"] == "2026-11-23T11:00:00Z"


async def test_a_state_is_of_the_person_who_began(here: Connecting) -> None:
    maintainer = await added(here, "maintainer")
    address = await here.permitted(await here.page())
    refused = await here.come_back(address, maintainer)
    assert error_of(refused) == (400, "invalid oauth state")
    await expect_unchanged(here)
    assert told(await here.come_back(address)) == CONNECTED


async def test_nobody_comes_back_without_a_session(here: Connecting) -> None:
    address = await here.permitted(await here.page())
    assert error_of(await here.server.client.get(address)) == (401, "unauthorized")
    await expect_unchanged(here)
    assert told(await here.come_back(address)) == CONNECTED


async def test_a_state_is_of_one_workspace_whatever_else_is_sent(here: Connecting) -> None:
    other = await here.owner.create_workspace("Another")
    address = await here.permitted(await here.page())
    cookie = f"{here.owner.cookie}; modelserver-oauth-wsid={other}"
    answer = await here.server.client.get(
        f"{address}&workspace_id={other}", headers={"Cookie": cookie}
    )
    assert answer.headers["location"].startswith(f"/workspaces/{here.workspace_id}?")
    assert await here.owner.read(f"/api/workspaces/{other}/modelserver/status") == {
        "connected": False
    }


async def test_beginning_again_ends_what_was_begun_by_the_same_person(here: Connecting) -> None:
    maintainer = await added(here, "maintainer")
    first, theirs = await here.page(), await here.page(maintainer)
    second = await here.page()
    refused = await here.come_back(await here.permitted(first))
    assert error_of(refused) == (400, "invalid oauth state")
    assert told(await here.come_back(await here.permitted(second))) == CONNECTED
    assert told(await here.come_back(await here.permitted(theirs), maintainer)) == CONNECTED


async def test_a_state_ends_after_ten_minutes(here: Connecting) -> None:
    page = await here.page()
    here.server.clock.advance(minutes=10)
    assert error_of(await here.come_back(await here.permitted(page)))[0] == 400
    await expect_unchanged(here)


@pytest.mark.parametrize("state", ["", None, "0" * 32])
async def test_an_unknown_state_is_refused(here: Connecting, state: str | None) -> None:
    address = await here.permitted(await here.page())
    refused = await here.come_back(with_query(address, state=state))
    assert error_of(refused) == (400, "invalid oauth state")
    await expect_unchanged(here)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code": None}, "missing authorization code"),
        ({"code": "made-up"}, "token exchange failed"),
        ({"error": "access_denied"}, "authorization failed: access_denied"),
        ({"error": "<script>"}, "authorization failed: unknown error"),
    ],
)
async def test_what_fails_is_told_and_changes_nothing(
    here: Connecting, changes: dict[str, str | None], message: str
) -> None:
    address = with_query(await here.permitted(await here.page()), **changes)
    assert told(await here.come_back(address)) == failed(message)
    await expect_unchanged(here)
    assert error_of(await here.come_back(address))[0] == 400, "the state is used up"


async def test_a_code_for_another_verifier_is_refused(here: Connecting) -> None:
    first = await here.page()
    challenge = query_of(first)["code_challenge"]
    page = with_query(await here.page(), code_challenge=challenge)
    assert told(await here.come_back(await here.permitted(page))) == failed("token exchange failed")
    await expect_unchanged(here)


async def test_a_code_is_used_once(here: Connecting) -> None:
    first = await here.permitted(await here.page())
    assert told(await here.come_back(first)) == CONNECTED
    second = await here.permitted(await here.page())
    again = with_query(second, code=query_of(first)["code"])
    assert told(await here.come_back(again)) == failed("token exchange failed")


async def test_who_is_no_maintainer_any_more_cannot_complete(here: Connecting) -> None:
    maintainer = await added(here, "maintainer")
    address = await here.permitted(await here.page(maintainer))
    member = f"/api/workspaces/{here.workspace_id}/members/{maintainer.id}"
    ok(await here.owner.request("PUT", member, {"role": "developer"}))
    refused = await here.come_back(address, maintainer)
    assert told(refused) == failed("insufficient permissions")
    await expect_unchanged(here)


async def test_roles(here: Connecting) -> None:
    users = {role: await added(here, role) for role in ("guest", "developer", "maintainer")}
    outsider = await here.server.create_user("outsider@example.com")
    for role, user in users.items():
        assert (await user.read(here.path("status"))) == {"connected": False}
        may = role == "maintainer"
        assert (await user.get(here.path("connect"))).status_code == (302 if may else 403)
        gone = await user.request("DELETE", here.path("disconnect"))
        assert gone.status_code == (204 if may else 403)
    for what, method in (("connect", "GET"), ("status", "GET"), ("disconnect", "DELETE")):
        assert (await outsider.request(method, here.path(what))).status_code == 403
        assert (await here.server.client.request(method, here.path(what))).status_code == 401
    assert (await here.owner.request("HEAD", here.path("connect"))).status_code == 405


async def test_no_token_is_shown_or_stored_as_it_is(
    here: Connecting, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    page = await here.page()
    address = await here.permitted(page)
    code = query_of(address)["code"]
    tokens: list[str] = []
    server = here.server.context.modelserver
    exchange = server.exchange

    async def noted(*given: str) -> object:
        found = await exchange(*given)
        tokens.extend((found.access, found.refresh))
        return found

    server.exchange = noted  # type: ignore[method-assign, assignment]
    answer = await here.come_back(address)
    assert told(answer) == CONNECTED
    config = f"/api/workspaces/{here.workspace_id}/llm-config"
    shown = [
        answer.text + str(answer.headers),
        json.dumps(await here.status()),
        json.dumps(await here.owner.read(config)),
        caplog.text,
        str(await here.server.store.read(stored)),
    ]
    assert len(tokens) == 2
    for secret in (*tokens, code):
        assert not [text for text in shown if secret in text], secret


def stored(conn: Connection) -> list[object]:
    read = (tables.modelserver_states, tables.modelserver_connections)
    return [tuple(row) for table in read for row in conn.execute(select(table)).all()]


async def test_the_verifier_is_stored_encrypted(here: Connecting) -> None:
    verifiers: list[str] = []
    exchange = here.server.context.modelserver.exchange

    async def noted(code: str, redirect_uri: str, verifier: str) -> object:
        verifiers.append(verifier)
        return await exchange(code, redirect_uri, verifier)

    here.server.context.modelserver.exchange = noted  # type: ignore[method-assign, assignment]
    page = await here.page()
    before = str(await here.server.store.read(stored))
    await here.come_back(await here.permitted(page))
    assert len(verifiers) == 1
    assert verifiers[0] not in before
    assert query_of(page)["state"] not in before


# --- elsewhere ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Response("no", 500),
        Response('{"access_token": "a"}', 400),
        Response("<html>", 200),
        Response("{}", 200),
        JSONResponse({"access_token": ""}),
        JSONResponse({"access_token": "a\nb"}),
        Response(status_code=302, headers={"Location": "http://127.0.0.1:1/"}),
        Response("x" * (1024 * 1024 + 1), 200),
    ],
)
async def test_a_token_endpoint_that_fails_changes_nothing(
    asking: Connecting, other: Elsewhere, answer: Response
) -> None:
    other.instead["/modelserver/token"] = lambda: answer
    assert await asking.connect() == failed("token exchange failed")
    await expect_unchanged(asking)


@pytest.mark.parametrize(
    "answer", [Response("no", 500), JSONResponse({"active": False}), JSONResponse({})]
)
async def test_a_token_that_is_not_confirmed_changes_nothing(
    asking: Connecting, other: Elsewhere, answer: Response
) -> None:
    other.instead["/modelserver/introspect"] = lambda: answer
    assert await asking.connect() == failed("token introspection failed")
    await expect_unchanged(asking)


async def test_a_failure_leaves_an_older_connection_as_it_was(
    asking: Connecting, other: Elsewhere
) -> None:
    await asking.connect()
    before, rows = await asking.status(), await asking.server.store.read(stored)
    other.instead["/modelserver/introspect"] = lambda: JSONResponse({"active": False})
    assert await asking.connect() == failed("token introspection failed")
    assert await asking.status() == before
    assert await asking.server.store.read(stored) == rows


async def test_a_model_server_that_is_gone_changes_nothing(settings: Settings) -> None:
    gone = Elsewhere("http://127.0.0.1:1/modelserver")
    async with connecting(settings, **settings_for(gone)) as here:
        state = query_of(await here.page())["state"]
        answer = await here.come_back(f"{CALLBACK}?state={state}&code=a")
        assert told(answer) == failed("token exchange failed")
        await expect_unchanged(here)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (JSONResponse({"data": ["b", "a", "a", "", 1]}), ["b", "a", "a"]),
        (JSONResponse({"data": [{"id": "x"}, {"name": "y"}]}), ["x"]),
        (JSONResponse({"data": ["n\0"]}), None),
        (JSONResponse({"data": None}), None),
        (Response("no", 500), None),
    ],
)
async def test_models_are_those_that_the_model_server_names(
    asking: Connecting, other: Elsewhere, answer: Response, expected: list[str] | None
) -> None:
    other.instead["/modelserver/v1/models"] = lambda: answer
    assert await asking.connect() == CONNECTED
    models = (await asking.status()).get("models")
    assert models == (expected and [{"id": name, "name": name} for name in expected])


async def test_a_project_without_a_name_is_left_out(asking: Connecting, other: Elsewhere) -> None:
    other.instead["/modelserver/introspect"] = lambda: JSONResponse({"active": True})
    assert await asking.connect() == CONNECTED
    shown = await asking.status()
    assert shown.keys() == {"connected", "models", "connected_at"}


# --- none -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [None, "off"])
async def test_without_a_model_server_nothing_can_be_connected(
    settings: Settings, setting: str | None
) -> None:
    async with connecting(settings, modelserver_auth_url=setting) as here:
        missing = await here.owner.get(here.path("connect"))
        assert error_of(missing) == (501, "model server not configured")
        guest = await added(here, "guest")
        assert (await guest.get(here.path("connect"))).status_code == 403
        await expect_unchanged(here)
        ok(await here.owner.request("DELETE", here.path("disconnect")))
        assert (await here.server.client.get("/modelserver/authorize")).status_code == 404
        assert error_of(await here.owner.get(f"{CALLBACK}?state=a&code=b"))[0] == 400


@pytest.mark.parametrize(
    "missing",
    [
        "MODELSERVER_OAUTH_TOKEN_URL",
        "MODELSERVER_OAUTH_INTROSPECT_URL",
        "MODELSERVER_OAUTH_CLIENT_ID",
    ],
)
def test_a_model_server_elsewhere_is_named_as_a_whole(missing: str) -> None:
    given = {
        "MODELSERVER_OAUTH_AUTH_URL": "https://models.example.com/oauth2/auth",
        "MODELSERVER_OAUTH_TOKEN_URL": "https://models.example.com/oauth2/token",
        "MODELSERVER_OAUTH_INTROSPECT_URL": "https://models.example.com/oauth2/introspect",
        "MODELSERVER_OAUTH_CLIENT_ID": "agentserver",
    }
    Settings.from_environment(given)
    del given[missing]
    with pytest.raises(SettingsError, match=f"^{missing}: is required"):
        Settings.from_environment(given)


# --- what the browser is shown --------------------------------------------------------------------


async def test_the_last_page_says_what_came_of_it(here: Connecting) -> None:
    address = with_query(await here.permitted(await here.page()), code=None)
    answer = await here.come_back(address)
    page = await here.owner.get(answer.headers["location"])
    assert page.status_code == 200
    assert "was not connected: missing authorization code" in page.text
    answer = await here.come_back(await here.permitted(await here.page()))
    page = await here.owner.get(answer.headers["location"])
    assert "The workspace is connected" in page.text


async def test_the_last_page_shows_no_text_of_others(here: Connecting) -> None:
    said = "Your account is locked, call us"
    place = f"/workspaces/{here.workspace_id}?modelserver=error"
    for message in (said, f"token exchange failed {said}"):
        page = await here.server.client.get(f"{place}&{urlencode({'message': message})}")
        assert page.status_code == 200
        assert said not in page.text
    assert (await here.server.client.get(f"/workspaces/{here.workspace_id}")).status_code == 404


# --- the built-in one -----------------------------------------------------------------------------


async def test_the_built_in_one_sends_nobody_elsewhere(settings: Settings) -> None:
    async with connecting(settings, modelserver_auth_url="built-in") as here:
        page = await here.page()
        for changes in (
            {"redirect_uri": "https://evil.example.com/callback"},
            {"client_id": "other"},
        ):
            answer = await here.server.client.get(with_query(page, **changes))
            assert answer.status_code == 400, answer.headers
            assert "location" not in answer.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"scope": "everything"},
    ],
)
async def test_the_built_in_one_requires_a_challenge(
    settings: Settings, changes: dict[str, str | None]
) -> None:
    async with connecting(settings, modelserver_auth_url="built-in") as here:
        address = await here.permitted(with_query(await here.page(), **changes))
        assert "error" in query_of(address), address
        assert told(await here.come_back(address))["message"].startswith("authorization failed: ")
        await expect_unchanged(here)
