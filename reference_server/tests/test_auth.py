"""Accounts and sessions, over HTTP, on both databases."""

import re

import attrs
import pytest
from people import PASSWORD, ReferenceServer, error_of, ok, start_server
from sqlalchemy import select, update

from agentserver_reference.settings import Settings
from agentserver_reference.storage.tables import credentials, sessions, users

pytestmark = pytest.mark.anyio


async def test_registering_makes_an_account_with_a_default_workspace(
    server: ReferenceServer,
) -> None:
    created = await server.register("  Alice@Example.com ")
    assert created.status_code == 201
    assert created.json()["email"] == "Alice@Example.com"
    assert "set-cookie" not in created.headers, "registering opens no session"

    opened = ok(await server.log_in("alice@example.COM"))
    cookie = opened.headers["set-cookie"].partition(";")[0]
    shown = ok(await server.client.get("/api/workspaces", headers={"Cookie": cookie})).json()
    assert [workspace["name"] for workspace in shown] == ["Default workspace"]


async def test_the_first_account_is_the_administrator_and_no_other(server: ReferenceServer) -> None:
    people = [await server.create_user(f"p{number}@example.com") for number in range(3)]
    roles = [(await person.read("/api/auth/me"))["role"] for person in people]
    assert roles == ["admin", "user", "user"]


async def test_a_taken_email_is_refused_in_any_case(server: ReferenceServer) -> None:
    await server.create_user("alice@example.com")
    assert error_of(await server.register("ALICE@example.com")) == (409, "email already taken")


async def test_the_default_workspace_is_stopped_by_no_quota(server: ReferenceServer) -> None:
    admin = await server.create_user("admin@example.com")
    limit = {"max_workspaces_per_user": 1}
    ok(await admin.request("PUT", "/api/admin/quotas/defaults", limit))
    newcomer = await server.create_user("new@example.com")
    assert await newcomer.read("/api/workspaces/quota") == {"current": 1, "max": 1}


async def test_a_session_cookie_is_as_the_contract_says(server: ReferenceServer) -> None:
    await server.create_user("alice@example.com")
    cookie = (await server.log_in("alice@example.com")).headers["set-cookie"]
    assert re.fullmatch(
        "agentserver-token=[0-9a-f]{64}; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax", cookie
    )


async def test_behind_https_the_cookie_is_secure_and_of_the_domain(settings: Settings) -> None:
    public = {"public_url": "https://agents.example.com", "cookie_domain": ".example.com"}
    async with start_server(settings, **public) as server:
        alice = await server.create_user("alice@example.com")
        opened = (await server.log_in("alice@example.com")).headers["set-cookie"]
        ended = (await alice.request("POST", "/api/auth/logout")).headers["set-cookie"]
    rest = "Path=/; Domain=example.com; Max-Age={}; HttpOnly; Secure; SameSite=Lax"
    assert opened.partition("; ")[2] == rest.format(604800)
    assert ended == "agentserver-token=; " + rest.format(0)


@pytest.mark.parametrize(
    ("email", "password"),
    [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD)],
)
async def test_a_wrong_password_and_no_account_are_refused_alike(
    server: ReferenceServer, email: str, password: str
) -> None:
    await server.create_user("alice@example.com")
    refused = await server.log_in(email, password)
    assert error_of(refused) == (401, "invalid credentials")
    assert "set-cookie" not in refused.headers


async def test_an_account_without_a_password_cannot_log_in(server: ReferenceServer) -> None:
    alice = await server.create_user("alice@example.com")
    await server.store.write(
        lambda conn: conn.execute(credentials.delete().where(credentials.c.user_id == alice.id))
    )
    assert error_of(await server.log_in("alice@example.com")) == (401, "invalid credentials")


async def test_logging_in_renews_a_hash_of_another_cost(settings: Settings) -> None:
    async with start_server(settings) as server:
        await server.create_user("alice@example.com")
    async with start_server(settings, password_cost="m=16,t=2,p=1") as server:
        ok(await server.log_in("alice@example.com"))
        kept = await server.store.read(
            lambda conn: conn.execute(select(credentials.c.password_hash)).scalar_one()
        )
        assert kept.startswith("$argon2id$v=19$m=16,t=2,p=1$")
        ok(await server.log_in("alice@example.com"))


async def test_neither_password_nor_token_is_stored(server: ReferenceServer) -> None:
    alice = await server.create_user("alice@example.com")
    token = alice.cookie.partition("=")[2]
    stored = await server.store.read(
        lambda conn: repr(
            [conn.execute(select(table)).all() for table in (users, credentials, sessions)]
        )
    )
    assert "alice@example.com" in stored
    assert token not in stored
    assert PASSWORD not in stored


async def test_a_session_lives_seven_days_from_its_login_and_no_longer(
    server: ReferenceServer,
) -> None:
    alice = await server.create_user("alice@example.com")
    server.clock.advance(days=7, seconds=-1)
    assert (await alice.get("/api/auth/check")).status_code == 200
    server.clock.advance(seconds=1)
    assert error_of(await alice.get("/api/auth/check")) == (401, "unauthorized")
    assert error_of(await alice.get("/api/auth/me")) == (401, "unauthorized")


async def test_logging_out_ends_this_session_on_the_server_and_no_other(
    server: ReferenceServer,
) -> None:
    alice = await server.create_user("alice@example.com")
    other = attrs.evolve(
        alice,
        cookie=(await server.log_in("alice@example.com")).headers["set-cookie"].partition(";")[0],
    )
    left = ok(await alice.request("POST", "/api/auth/logout"))
    assert left.json() == {"status": "ok"}
    assert left.headers["set-cookie"] == (
        "agentserver-token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
    )
    assert error_of(await alice.get("/api/auth/check")) == (401, "unauthorized")
    assert (await other.get("/api/auth/check")).json() == {"status": "ok"}


async def test_logging_out_without_a_session_answers_the_same(server: ReferenceServer) -> None:
    for headers in ({}, {"Cookie": "agentserver-token=" + "0" * 64}):
        left = ok(await server.client.post("/api/auth/logout", headers=headers))
        assert left.json() == {"status": "ok"}
        assert left.headers["set-cookie"].startswith("agentserver-token=; ")


async def test_an_account_with_a_password_has_neither_name_nor_picture(
    server: ReferenceServer,
) -> None:
    alice = await server.create_user("Alice@example.com")
    assert await alice.read("/api/auth/me") == {
        "id": alice.id,
        "email": "Alice@example.com",
        "name": None,
        "picture": None,
        "role": "admin",
    }


async def test_an_empty_name_is_shown_as_none_to_oneself_only(server: ReferenceServer) -> None:
    alice = await server.create_user("alice@example.com")
    await server.store.write(lambda conn: conn.execute(update(users).values(name="", picture="")))
    me = await alice.read("/api/auth/me")
    assert (me["name"], me["picture"]) == (None, None)
    (listed,) = await alice.read("/api/admin/users")
    assert listed["name"] == ""
