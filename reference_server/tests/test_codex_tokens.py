"""Codex tokens: how they are made, what they stand for, and how they end."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import attrs
import pytest
from people import Clock, ReferenceServer, User, error_of, ok
from sqlalchemy import select

from agentserver_reference.domain import codex_tokens as domain
from agentserver_reference.domain.roles import USER
from agentserver_reference.security import codex_token
from agentserver_reference.security.principal import Principal
from agentserver_reference.storage import Store, codex_tokens, tables
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.engine.query import Query

pytestmark = pytest.mark.anyio

PATH = "/api/codex/tokens"
TOO_MANY = "a workspace may have 1000 codex tokens that are valid: revoke one first"


@attrs.frozen
class Tokens:
    """The tokens of a workspace, over HTTP, and what a check of them finds."""

    store: Store
    clock: Clock
    workspace_id: str
    owner: User
    member: User
    """A developer."""

    async def mint(self, user: User | None = None, **changes: Any) -> dict[str, Any]:
        """Make a token of the member, or of somebody else."""
        body = {"workspace_id": self.workspace_id, "name": "Laptop"} | changes
        made: dict[str, Any] = ok(await (user or self.member).request("POST", PATH, body)).json()
        return made

    async def list(self, *, with_revoked: bool = True) -> list[dict[str, Any]]:
        query = "&include_revoked=true" if with_revoked else ""
        rows: list[dict[str, Any]] = await self.owner.read(
            f"{PATH}?workspace_id={self.workspace_id}{query}"
        )
        return rows

    async def caller(self, made: dict[str, Any]) -> Principal | None:
        """Whom a token acts for, which notes its use; None if it is not valid now."""
        found = await self.store.read(
            codex_token.resolve, made["token"], self.workspace_id, self.clock.now
        )
        if found is not None and found.note_use is not None:
            await self.store.write(found.note_use)
        return found

    async def set_role(self, role: str) -> None:
        path = f"/api/workspaces/{self.workspace_id}/members/{self.member.id}"
        ok(await self.owner.request("PUT", path, {"role": role}))


@pytest.fixture
async def tokens(server: ReferenceServer) -> Tokens:
    owner = await server.create_user("owner@example.com")
    member = await server.create_user("member@example.com")
    workspace_id = await owner.create_workspace()
    body = {"email": member.email, "role": "developer"}
    ok(await owner.request("POST", f"/api/workspaces/{workspace_id}/members", body))
    return Tokens(server.store, server.clock, workspace_id, owner, member)


# --- making and listing ---------------------------------------------------------------------------


async def test_a_token_is_shown_once_and_stored_as_a_hash_of_all_of_it(
    server: ReferenceServer, tokens: Tokens
) -> None:
    made = await tokens.mint()
    assert domain.FORM.fullmatch(made["token"])
    assert made["token"].startswith(f"ast_{made['id']}_")
    shown = {name: made[name] for name in ("id", "name", "workspace_id", "created_at")}
    expected = shown | {"expires_at": made["expires_at"], "revoked": False}
    assert await tokens.list() == [expected], "neither the token, nor a time that is unset"
    stored = await server.store.read(
        lambda conn: Query(select(*tables.codex_tokens.columns)).all(conn)
    )
    assert [row["token_hash"] for row in stored] == [sha256(made["token"].encode()).hexdigest()]
    assert made["token"] not in str(stored)


async def test_tokens_are_all_different_and_use_every_digit(tokens: Tokens) -> None:
    made = [(await tokens.mint())["token"] for _ in range(50)]
    assert len({*made}) == len({each[4:12] for each in made}) == 50
    assert {*"".join(each[4:].replace("_", "") for each in made)} == {
        *"0123456789abcdefghijklmnopqrstuvwxyz"
    }


async def test_the_list_shows_the_tokens_of_all_members_with_the_newest_first(
    tokens: Tokens,
) -> None:
    made = [(await tokens.mint(user))["id"] for user in (tokens.owner, tokens.member) * 2]
    ok(await tokens.member.request("DELETE", f"{PATH}/{made[1]}"))
    assert [row["id"] for row in await tokens.list()] == made[::-1]
    del made[1]
    assert [row["id"] for row in await tokens.list(with_revoked=False)] == made[::-1]
    for value in ("1", "True", "yes", ""):
        query = f"workspace_id={tokens.workspace_id}&include_revoked={value}"
        refused = await tokens.owner.request("GET", f"{PATH}?{query}")
        assert error_of(refused) == (400, "include_revoked: must be true or false")


@pytest.mark.parametrize(
    ("given", "days"), [({}, 90), ({"ttl_days": 1}, 1), ({"ttl_days": 9.0}, 9)]
)
async def test_a_token_is_valid_to_its_last_second(
    tokens: Tokens, given: dict[str, Any], days: int
) -> None:
    made = await tokens.mint(**given)
    created, expires = (
        datetime.fromisoformat(made[f"{what}_at"]) for what in ("created", "expires")
    )
    assert expires - created == timedelta(days=days)
    tokens.clock.advance(days=days, seconds=-1)
    assert await tokens.caller(made)
    tokens.clock.advance(seconds=1)
    assert not await tokens.caller(made)


async def test_a_token_that_has_expired_remains_in_the_list(tokens: Tokens) -> None:
    made = await tokens.mint(ttl_days=1)
    tokens.clock.advance(days=2)
    rows = await tokens.list(with_revoked=False)
    assert [(row["id"], row["revoked"]) for row in rows] == [(made["id"], False)]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"ttl_days": 0}, (422, "ttl_days: must be at least 1")),
        ({"ttl_days": 366}, (422, "ttl_days: must be at most 365")),
        ({"ttl_days": 10**30}, (422, "ttl_days: must be at most 365")),
        ({"ttl_days": 0, "name": ""}, (400, "name: must have at least 1 character")),
        ({"ttl_days": 0.5}, (400, "ttl_days: must be a whole number")),
        ({"ttl_days": None}, (400, "ttl_days: must be a whole number")),
        ({"workspace_id": ""}, (400, "workspace_id: must have at least 1 character")),
        ({"workspace_id": "a\0"}, (400, "workspace_id: must not contain NUL")),
        ({"workspace_id": "unknown"}, (403, "not a workspace member")),
    ],
)
async def test_a_number_that_is_only_out_of_its_range_is_422(
    tokens: Tokens, changes: dict[str, Any], refusal: tuple[int, str]
) -> None:
    body = {"workspace_id": tokens.workspace_id, "name": "Laptop"} | changes
    assert error_of(await tokens.member.request("POST", PATH, body)) == refusal
    assert await tokens.list() == []


async def test_what_names_the_workspace_is_read_between_the_session_and_the_role(
    server: ReferenceServer, tokens: Tokens
) -> None:
    stranger = await server.create_user("stranger@example.com")
    nobody = attrs.evolve(stranger, cookie="")
    wrong, right = {"name": "Laptop"}, {"workspace_id": tokens.workspace_id, "name": "Laptop"}
    for method, path, body in (("POST", PATH, wrong), ("GET", PATH, None)):
        statuses = [
            (await user.request(method, path, body)).status_code for user in (nobody, stranger)
        ]
        assert statuses == [401, 400]
    of_others = f"{PATH}?workspace_id={tokens.workspace_id}"
    for method, path, body in (("POST", PATH, right), ("GET", of_others, None)):
        refused = await stranger.request(method, path, body)
        assert error_of(refused) == (403, "not a workspace member")
    await tokens.set_role("guest")
    refused = await tokens.member.request("POST", PATH, right)
    assert error_of(refused) == (403, "insufficient permissions")
    ok(await tokens.member.request("GET", of_others))


# --- how they end ---------------------------------------------------------------------------------


async def test_a_token_acts_for_its_owner_with_the_role_of_now(tokens: Tokens) -> None:
    made = await tokens.mint()
    for role in ("developer", "maintainer"):
        await tokens.set_role(role)
        caller = await tokens.caller(made)
        assert caller == Principal(
            tokens.member.id, USER, workspace_role=role, workspace_id=tokens.workspace_id
        )


@pytest.mark.parametrize("change", ["removed", "guest"])
async def test_a_token_ends_for_good_when_its_owner_may_have_none(
    tokens: Tokens, change: str
) -> None:
    made, kept = await tokens.mint(), await tokens.mint(tokens.owner)
    path = f"/api/workspaces/{tokens.workspace_id}/members"
    if change == "removed":
        ok(await tokens.owner.request("DELETE", f"{path}/{tokens.member.id}"))
    else:
        await tokens.set_role("guest")
    assert not await tokens.caller(made)
    if change == "removed":
        ok(await tokens.owner.request("POST", path, {"email": tokens.member.email}))
    else:
        await tokens.set_role("developer")
    assert not await tokens.caller(made)
    assert await tokens.caller(kept)
    shown = {row["id"]: row["revoked"] for row in await tokens.list()}
    assert shown == {made["id"]: True, kept["id"]: False}


async def test_a_token_ends_with_the_workspace(tokens: Tokens) -> None:
    made = await tokens.mint()
    ok(await tokens.owner.request("DELETE", f"/api/workspaces/{tokens.workspace_id}"))
    assert not await tokens.caller(made)
    ok(await tokens.member.request("DELETE", f"{PATH}/{made['id']}"))  # as an unknown one


async def test_its_owner_and_managers_revoke_a_token_and_nobody_else(
    server: ReferenceServer, tokens: Tokens
) -> None:
    stranger = await server.create_user("stranger@example.com")
    for user in (tokens.member, tokens.owner):
        made = await tokens.mint()
        path = f"{PATH}/{made['id']}"
        refused = await stranger.request("DELETE", path)
        assert error_of(refused) == (403, "insufficient permissions")
        assert await tokens.caller(made)
        ok(await user.request("DELETE", path))
        assert not await tokens.caller(made)
    of_owner = await tokens.mint(tokens.owner)
    refused = await tokens.member.request("DELETE", f"{PATH}/{of_owner['id']}")
    assert error_of(refused) == (403, "insufficient permissions")
    before = await tokens.list()
    tokens.clock.advance(minutes=1)
    ok(await tokens.member.request("DELETE", path))
    for unknown in ("unknown", "%00", made["token"]):
        ok(await stranger.request("DELETE", f"{PATH}/{unknown}"))
    assert await tokens.list() == before, "the time of the first revocation stays"


async def test_a_token_of_which_a_letter_is_missing_or_another_is_none(tokens: Tokens) -> None:
    made = await tokens.mint()
    token = made["token"]
    for other in (token[:-1], token.upper(), f"{token}0", f"{token[:-1]}_"):
        assert not await tokens.caller(made | {"token": other})
    assert await tokens.caller(made)


async def test_its_last_use_is_noted_at_most_once_a_minute(tokens: Tokens) -> None:
    made, seen = await tokens.mint(), []
    for seconds in (0, 59, 1):
        tokens.clock.advance(seconds=seconds)
        assert await tokens.caller(made)
        seen.append((await tokens.list())[0]["last_used_at"])
    assert seen == ["2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z"]


def fill(conn: Connection, workspace_id: str, user_id: str, numbers: Iterable[int]) -> None:
    for each in numbers:
        codex_tokens.add(
            conn,
            token_id=f"{each:08d}",
            workspace_id=workspace_id,
            user_id=user_id,
            name="N",
            token_hash=f"h{each}",
            now=Clock().now,
            expires_at=Clock().now + timedelta(days=1),
        )


async def test_a_thousand_tokens_may_be_valid_however_many_ask_at_once(
    server: ReferenceServer, tokens: Tokens
) -> None:
    member, workspace_id = tokens.member.id, tokens.workspace_id
    for start in range(2, domain.MOST, 100):  # all at once take longer than a write may
        numbers = range(start, min(start + 100, domain.MOST))
        await server.store.write(fill, workspace_id, member, numbers)
    body = {"workspace_id": workspace_id, "name": "Laptop"}
    made = await asyncio.gather(*(tokens.member.request("POST", PATH, body) for _ in range(5)))
    assert sorted(each.status_code for each in made) == [201] * 2 + [409] * 3
    assert error_of(next(each for each in made if each.status_code == 409)) == (409, TOO_MANY)
    ok(await tokens.member.request("DELETE", f"{PATH}/00000002"))  # what is revoked, and
    await tokens.mint()
    tokens.clock.advance(days=1)  # what has expired do not count
    await tokens.mint()
