"""Where language-model requests of connected workspaces go, and how their tokens are renewed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from calling import QUESTION, Caller, add_caller
from databases import KEY
from modelservers import Connecting, Elsewhere, connecting, elsewhere, settings_for
from people import ReferenceServer, ok, start_server
from serving import in_memory
from sqlalchemy import update
from starlette.responses import JSONResponse, Response

from agentserver_reference.settings import Settings
from agentserver_reference.storage import modelserver_connections, tables
from agentserver_reference.storage.engine.connection import Connection

pytestmark = pytest.mark.anyio

MESSAGES = "/modelserver/v1/messages"
TOKEN = "/modelserver/token"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return in_memory(data_dir=tmp_path, encryption_key=KEY)


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Elsewhere]:
    async with elsewhere(tmp_path / "elsewhere") as made:
        yield made


@pytest.fixture
async def here(settings: Settings, other: Elsewhere) -> AsyncIterator[Connecting]:
    async with connecting(settings, **settings_for(other)) as made:
        await made.connect()
        other.asked.clear()
        other.headers.clear()
        yield made


async def calling(here: Connecting, server: ReferenceServer | None = None) -> Caller:
    """A sandbox of the workspace; the requests are sent to `server` where one is given."""
    made = await add_caller(here.server, here.owner, workspace_id=here.workspace_id)
    return made if server is None else attrs.evolve(made, server=server)


def of_token(answer: Response) -> Any:
    return lambda: answer


async def test_requests_go_to_the_model_server_with_its_token(
    here: Connecting, other: Elsewhere
) -> None:
    caller = await calling(here)
    answer = ok(await caller.ask(authorization="Bearer of the client")).json()
    assert answer["type"] == "message"
    assert other.asked == [MESSAGES]
    (headers,) = other.headers
    assert headers["authorization"].startswith("Bearer ")
    assert caller.token not in str(headers)
    assert "of the client" not in str(headers)
    assert (await caller.traces())["total"] == 1
    (row,) = await caller.usage()
    assert row["request_count"] == 1


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
async def test_both_apis_go_there(here: Connecting, other: Elsewhere, path: str) -> None:
    body = {"model": "any", "input": "Hello", "messages": QUESTION["messages"]}
    ok(await (await calling(here)).ask(path, body))
    assert other.asked == [f"/modelserver{path}"]


async def test_an_endpoint_of_its_own_counts_after_the_connection(
    here: Connecting, other: Elsewhere
) -> None:
    caller = await calling(here)
    path = f"/api/workspaces/{here.workspace_id}/llm-config"
    own = {
        "base_url": f"{other.url}/own",
        "api_key": "sk-own-0123456789",
        "models": [{"id": "own", "name": "Own"}],
    }
    ok(await here.owner.request("PUT", path, own))
    ok(await caller.ask())
    ok(await here.owner.request("DELETE", here.path("disconnect")))
    await caller.ask()
    ok(await here.owner.request("DELETE", path))
    ok(await caller.ask())
    assert other.asked == [MESSAGES, "/modelserver/own/v1/messages"]


async def test_the_models_are_those_of_the_connection(here: Connecting) -> None:
    caller = await calling(here)
    headers = {"x-api-key": caller.token}
    listed = ok(await caller.server.client.get("/v1/models", headers=headers)).json()
    names = [each["id"] for each in (await here.status())["models"]]
    assert [each["id"] for each in listed["data"]] == names


async def test_a_connected_workspace_has_no_limit_a_day(here: Connecting) -> None:
    caller = await calling(here)
    await caller.limit(here.owner, 1)
    for _ in range(3):
        ok(await caller.ask())
    ok(await here.owner.request("DELETE", here.path("disconnect")))
    assert (await caller.ask()).status_code == 429


async def test_the_built_in_one_answers_connected_workspaces(settings: Settings) -> None:
    async with connecting(settings, modelserver_auth_url="built-in") as here:
        await here.connect()
        caller = await calling(here)
        await caller.limit(here.owner, 1)
        for _ in range(2):
            assert ok(await caller.ask()).json()["type"] == "message"


async def test_without_an_address_of_models_requests_go_elsewhere(
    settings: Settings, other: Elsewhere
) -> None:
    changes = settings_for(other) | {"modelserver_proxy_url": None}
    async with connecting(settings, **changes) as here:
        await here.connect()
        assert "models" not in await here.status()
        caller = await calling(here)
        await caller.limit(here.owner, 1)
        ok(await caller.ask())
        assert MESSAGES not in other.asked
        assert (await caller.ask()).status_code == 429


# --- tokens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "renewals"), [(61, 0), (60, 0), (59, 1), (-3600, 1)])
async def test_a_token_is_renewed_if_less_than_a_minute_is_left(
    here: Connecting, other: Elsewhere, left: int, renewals: int
) -> None:
    caller = await calling(here)
    here.server.clock.advance(seconds=3600 - left)
    for _ in range(2):
        ok(await caller.ask())
    assert other.asked.count(TOKEN) == renewals
    assert other.asked.count(MESSAGES) == 2


async def test_many_callers_renew_a_token_once(here: Connecting, other: Elsewhere) -> None:
    caller = await calling(here)
    here.server.clock.advance(hours=2)
    for answer in await asyncio.gather(*(caller.ask() for _ in range(8))):
        ok(answer)
    assert other.asked.count(TOKEN) == 1
    assert other.asked.count(MESSAGES) == 8
    assert len({each["authorization"] for each in other.headers if "authorization" in each}) == 1


async def test_servers_that_share_a_database_renew_a_token_once(
    postgres_url: str, settings: Settings, other: Elsewhere
) -> None:
    shared = attrs.evolve(settings, database_url=postgres_url)
    async with (
        connecting(shared, **settings_for(other)) as here,
        start_server(shared, **settings_for(other)) as second,
    ):
        await here.connect()
        other.asked.clear()
        callers = [await calling(here)]
        callers.append(attrs.evolve(callers[0], server=second))
        for server in (here.server, second):
            server.clock.advance(hours=2)
        for answer in await asyncio.gather(*(each.ask() for each in callers * 3)):
            ok(answer)
        assert other.asked.count(TOKEN) == 1


async def test_who_cannot_wait_goes_on_with_a_token_that_is_valid(
    here: Connecting, other: Elsewhere
) -> None:
    caller = await calling(here)
    here.server.clock.advance(seconds=3550)
    until = here.server.clock() + timedelta(seconds=10)
    await here.server.store.write(claimed, here, until)
    ok(await caller.ask())
    assert TOKEN not in other.asked


async def test_a_claim_of_one_who_died_ends(here: Connecting, other: Elsewhere) -> None:
    caller = await calling(here)
    here.server.clock.advance(hours=2)
    until = here.server.clock() + timedelta(seconds=10)
    await here.server.store.write(claimed, here, until)
    waiting = asyncio.create_task(caller.ask())
    while not waiting.done():
        await asyncio.sleep(0)
        here.server.clock.advance(seconds=0.1)
    ok(waiting.result())
    assert other.asked.count(TOKEN) == 1


def claimed(conn: Connection, here: Connecting, until: Any) -> None:
    """Somebody else renews the tokens."""
    row = modelserver_connections.tokens(conn, here.workspace_id)
    assert row is not None
    claim = modelserver_connections.claim(
        conn,
        here.workspace_id,
        seen=row["access_token_encrypted"],
        until=until,
        now=here.server.clock(),
    )
    assert claim is not None


REFUSALS = [
    Response('{"error": "invalid_grant"}', 400),
    Response("secret of the provider", 500),
    JSONResponse({"access_token": ""}),
]


@pytest.mark.parametrize("answer", REFUSALS)
async def test_a_token_that_cannot_be_renewed_is_502_and_no_more(
    here: Connecting, other: Elsewhere, answer: Response
) -> None:
    caller = await calling(here)
    here.server.clock.advance(hours=2)
    other.instead[TOKEN] = of_token(answer)
    refused = await caller.ask()
    assert refused.status_code == 502
    assert "secret" not in refused.text
    assert (await here.status())["connected"], "it is not for a failed request to end a connection"
    assert await caller.usage() == [], "the request is given back"
    del other.instead[TOKEN]
    ok(await caller.ask())


async def test_who_waits_for_a_renewal_that_fails_does_not_try_again(
    here: Connecting, other: Elsewhere
) -> None:
    caller = await calling(here)
    here.server.clock.advance(hours=2)
    other.instead[TOKEN] = of_token(Response("no", 500))
    answers = await asyncio.gather(*(caller.ask() for _ in range(5)))
    assert {each.status_code for each in answers} == {502}
    assert other.asked.count(TOKEN) < 5


async def test_a_refresh_token_that_is_left_out_stays(here: Connecting, other: Elsewhere) -> None:
    caller = await calling(here)
    here.server.clock.advance(hours=2)
    before = await here.server.store.read(modelserver_connections.tokens, here.workspace_id)
    given = {"access_token": "another", "expires_in": 3600}
    other.instead[TOKEN] = lambda: JSONResponse(given)
    assert (await caller.ask()).status_code == 502  # the token is made up
    assert other.headers[-1]["authorization"] == "Bearer another"
    after = await here.server.store.read(modelserver_connections.tokens, here.workspace_id)
    cipher = here.server.context.cipher
    place = {"row": here.workspace_id, "column": modelserver_connections.REFRESH_COLUMN}
    assert before is not None
    assert after is not None
    opened = [cipher.decrypt(row["refresh_token_encrypted"], **place) for row in (before, after)]
    assert opened[0] == opened[1]


async def test_a_connection_without_a_refresh_token_ends_with_its_token(
    settings: Settings, other: Elsewhere
) -> None:
    async with connecting(settings, **settings_for(other)) as here:
        await here.connect()
        empty = here.server.context.cipher.encrypt(
            "", row=here.workspace_id, column=modelserver_connections.REFRESH_COLUMN
        )

        def forget(conn: Connection) -> None:
            conn.execute(
                update(tables.modelserver_connections).values(refresh_token_encrypted=empty)
            )

        await here.server.store.write(forget)
        caller = await calling(here)
        ok(await caller.ask())
        here.server.clock.advance(hours=2)
        assert (await caller.ask()).status_code == 502


async def test_a_model_server_that_refuses_the_token_is_502(
    here: Connecting, other: Elsewhere
) -> None:
    other.instead[MESSAGES] = of_token(Response("the token abc is bad", 401))
    refused = await (await calling(here)).ask()
    assert refused.status_code == 502
    assert "abc" not in refused.text
