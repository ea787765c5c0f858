"""API keys of workspaces: how they are made, what they open, and how they end."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import attrs
import httpx
import pytest
from every_kind import SCHEMES, USER_ID, every_kind_app, populate
from people import Clock, ReferenceServer, User, error_of, ok
from sqlalchemy import select

from agentserver_reference.contract import load_document
from agentserver_reference.domain import api_keys as domain
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.security import api_key
from agentserver_reference.settings import Settings
from agentserver_reference.storage import Store, api_keys, open_store, tables, workspaces
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query

pytestmark = pytest.mark.anyio

BODY = {"name": "Nightly bot", "scopes": ["turns:submit"]}
TOO_MANY = "a workspace may have 1000 API keys that are not revoked: revoke one first"


@attrs.frozen
class Keys:
    """The API keys of a workspace, over HTTP."""

    path: str
    owner: User

    async def mint(self, **changes: Any) -> dict[str, Any]:
        made: dict[str, Any] = ok(
            await self.owner.request("POST", self.path, BODY | changes)
        ).json()
        return made

    async def list(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self.owner.read(self.path)
        return rows

    async def revoke(self, key_id: str) -> None:
        ok(await self.owner.request("DELETE", f"{self.path}/{key_id}"))


@pytest.fixture
async def keys(server: ReferenceServer) -> Keys:
    owner = await server.create_user("owner@example.com")
    return Keys(f"/api/workspaces/{await owner.create_workspace()}/api-keys", owner)


async def valid(store: Store, secret: str) -> bool:
    return await store.read(api_keys.find_valid, token_hash(secret)) is not None


# --- making, listing, revoking --------------------------------------------------------------------


async def test_a_key_is_shown_once_and_stored_as_a_hash_of_all_of_it(
    server: ReferenceServer, keys: Keys
) -> None:
    made = await keys.mint()
    secret = made["secret"]
    assert domain.FORM.fullmatch(secret)
    assert made["id"] == made["prefix"] == secret[: len("wak_12345678")]
    (row,) = await keys.list()
    assert row == {
        "id": made["id"],
        "prefix": made["id"],
        **BODY,
        "created_at": made["created_at"],
        "last_used_at": None,
        "revoked_at": None,
    }
    stored = await server.store.read(lambda conn: Query(select(*tables.api_keys.columns)).all(conn))
    assert [each["key_hash"] for each in stored] == [sha256(secret.encode()).hexdigest()]
    assert secret not in str(stored)


async def test_keys_are_all_different_and_use_every_digit(keys: Keys) -> None:
    secrets = [(await keys.mint())["secret"] for _ in range(50)]
    assert len({*secrets}) == len({each[:12] for each in secrets}) == 50
    assert {*"".join(secrets).replace("wak_", "").replace("_", "")} == {
        *"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    }


async def test_the_newest_key_is_listed_first_also_within_a_second(
    server: ReferenceServer, keys: Keys
) -> None:
    made = [(await keys.mint())["id"] for _ in range(3)]
    server.clock.advance(seconds=1)
    made.append((await keys.mint())["id"])
    assert [row["id"] for row in await keys.list()] == made[::-1]


async def test_the_scopes_of_a_key_are_kept_as_they_were_given(keys: Keys) -> None:
    twice = ["turns:submit", "turns:submit"]
    assert (await keys.mint(scopes=twice))["scopes"] == twice
    assert [row["scopes"] for row in await keys.list()] == [twice]


@pytest.mark.parametrize("scope", ["turns:read", "TURNS:SUBMIT", "turns:submit ", "", None])
async def test_a_scope_that_is_not_available_is_refused_by_its_place(
    keys: Keys, scope: str | None
) -> None:
    body = BODY | {"scopes": ["turns:submit", scope]}
    refused = await keys.owner.request("POST", keys.path, body)
    assert error_of(refused)[0] == 400
    assert refused.text.startswith("scopes[1]: must be ")
    assert await keys.list() == []


async def test_the_contract_knows_the_scopes_that_are_available(keys: Keys) -> None:
    names = load_document()["components"]["schemas"]["APIKeyScope"]["enum"]
    listed = await keys.owner.read(f"{keys.path}/scopes")
    assert [each["name"] for each in listed] == [each.name for each in domain.SCOPES]
    assert [each["name"] for each in listed if each["available"]] == names


async def test_a_revoked_key_is_refused_at_once_and_keeps_its_time(
    server: ReferenceServer, keys: Keys
) -> None:
    made, other = await keys.mint(), await keys.mint()
    assert await valid(server.store, made["secret"])
    server.clock.advance(minutes=1)
    await keys.revoke(made["id"])
    assert not await valid(server.store, made["secret"])
    assert await valid(server.store, other["secret"])
    server.clock.advance(minutes=1)
    await keys.revoke(made["id"])
    listed = {row["id"]: row["revoked_at"] for row in await keys.list()}
    assert listed == {made["id"]: "2026-11-23T10:01:00Z", other["id"]: None}


async def test_a_key_of_another_workspace_is_not_revoked(
    server: ReferenceServer, keys: Keys
) -> None:
    made = await keys.mint()
    other = f"/api/workspaces/{await keys.owner.create_workspace()}/api-keys"
    answer = ok(await keys.owner.request("DELETE", f"{other}/{made['id']}"))
    assert answer.status_code == 204
    assert await valid(server.store, made["secret"])


async def test_a_key_ends_with_its_workspace_but_not_with_who_has_made_it(
    server: ReferenceServer, keys: Keys
) -> None:
    workspace = keys.path.removesuffix("/api-keys")
    maker = await server.create_user("maker@example.com")
    body = {"email": maker.email, "role": "maintainer"}
    ok(await keys.owner.request("POST", f"{workspace}/members", body))
    secret = ok(await maker.request("POST", keys.path, BODY)).json()["secret"]
    ok(await keys.owner.request("DELETE", f"{workspace}/members/{maker.id}"))
    assert await valid(server.store, secret)
    ok(await keys.owner.request("DELETE", workspace))
    assert not await valid(server.store, secret)


# --- how many -------------------------------------------------------------------------------------


def fill(conn: Connection, workspace_id: str, numbers: Iterable[int]) -> None:
    for each in numbers:
        api_keys.add(
            conn,
            key_id=f"k{each}",
            workspace_id=workspace_id,
            made_by="u",
            name="N",
            key_hash=f"h{each}",
            scopes=["turns:submit"],
            now=Clock().now,
        )


async def test_a_thousand_keys_may_be_valid_however_many_ask_at_once(
    server: ReferenceServer, keys: Keys
) -> None:
    for start in range(2, domain.MOST, 100):  # all at once take longer than a write may
        numbers = range(start, min(start + 100, domain.MOST))
        await server.store.write(fill, keys.path.split("/")[3], numbers)
    answers = await asyncio.gather(*(keys.owner.request("POST", keys.path, BODY) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]
    assert {error_of(each) for each in answers if each.status_code == 409} == {(409, TOO_MANY)}
    await keys.revoke("k2")
    await keys.mint()
    assert error_of(await keys.owner.request("POST", keys.path, BODY)) == (409, TOO_MANY)


# --- what a key opens -----------------------------------------------------------------------------

KEY = domain.new_key("5e" * 32)


@attrs.frozen
class Caller:
    """A program with a key, at a server whose contract has operations for keys."""

    client: httpx.AsyncClient
    store: Store
    clock: Clock

    async def read(self, key: str = KEY) -> httpx.Response:
        """Read a parcel that does not exist: 404 for who may."""
        return await self.client.get("/api/parcels/any", headers={"Authorization": f"Bearer {key}"})

    async def send(self) -> httpx.Response:
        headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "k"}
        body = {"size": "small", "weight": 1}
        return await self.client.post("/api/parcels", json=body, headers=headers)

    async def last_used_at(self) -> str | None:
        (row,) = await self.store.read(api_keys.list_of, "w")
        found: str | None = row["last_used_at"]
        return found


@asynccontextmanager
async def calling(settings: Settings, scope: str) -> AsyncIterator[Caller]:
    clock = Clock()
    schemes = {**SCHEMES, api_key.SCHEME: api_key.API_KEY}
    app = every_kind_app(settings, schemes=schemes, clock=clock)
    async with app.router.lifespan_context(app):
        await populate(app)
        store: Store = app.state.context.store

        def add(conn: Connection) -> None:
            workspaces.add(conn, workspace_id="w", name="W", now=clock.now)
            api_keys.add(
                conn,
                key_id=domain.id_of(KEY),
                workspace_id="w",
                made_by=USER_ID,
                name="N",
                key_hash=token_hash(KEY),
                scopes=[scope],
                now=clock.now,
            )

        await store.write(add)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Caller(client, store, clock)


async def test_a_key_opens_what_takes_keys_and_needs_its_scope(settings: Settings) -> None:
    async with calling(settings, "parcels:send") as caller:
        assert (await caller.send()).status_code == 201


async def test_a_key_without_the_scope_is_forbidden_by_name(settings: Settings) -> None:
    async with calling(settings, "turns:submit") as caller:
        assert error_of(await caller.read()) == (404, "parcel not found")
        refused = error_of(await caller.send())
        assert refused == (403, "the credential lacks the scope parcels:send")


@pytest.mark.parametrize(
    "wrong",
    [
        KEY.lower(),
        KEY[:-1],
        KEY[:-1] + ("0" if KEY[-1] != "0" else "1"),
        domain.id_of(KEY),
        domain.id_of(KEY) + "_" + "0" * 40,
        KEY + "0",
    ],
)
async def test_a_key_is_compared_to_its_last_character(settings: Settings, wrong: str) -> None:
    async with calling(settings, "parcels:send") as caller:
        assert error_of(await caller.read(wrong)) == (401, "unauthorized")


async def test_its_last_use_is_noted_at_most_once_a_minute(settings: Settings) -> None:
    async with calling(settings, "parcels:send") as caller:
        assert await caller.last_used_at() is None
        seen = []
        for seconds in (0, 59, 1, 59, 1):
            caller.clock.advance(seconds=seconds)
            await caller.read()
            seen.append(await caller.last_used_at())
        first, second, third = (f"2026-11-23T10:0{minute}:00Z" for minute in range(3))
        assert seen == [first, first, second, second, third]


async def test_what_is_refused_is_no_use(settings: Settings) -> None:
    async with calling(settings, "turns:submit") as caller:
        await caller.send()
        await caller.read(KEY.lower())
        assert await caller.last_used_at() is None


async def test_a_key_that_another_process_revokes_is_refused_at_once(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    async with calling(settings, "parcels:send") as caller:
        assert (await caller.read()).status_code == 404
        if settings.is_postgresql:
            other = open_store(settings)
            await other.open()
        else:
            other = caller.store  # one process has the file
        await other.write(api_keys.revoke, "w", domain.id_of(KEY), caller.clock.now)
        assert error_of(await caller.read()) == (401, "unauthorized")
        if other is not caller.store:
            await other.close()


def test_a_key_is_found_in_one_statement() -> None:
    statements = []

    class Recorder:
        def execute(self, statement: Any, values: Any) -> Any:
            statements.append(str(statement))
            return self

        def first(self) -> None:
            return None

    recorder: Any = Recorder()
    assert api_key.resolve(recorder, KEY, "w", Clock().now) is None
    assert len(statements) == 1
    assert re.search(
        r"WHERE api_keys.key_hash = \S+ AND api_keys.revoked_at IS NULL", statements[0]
    )
