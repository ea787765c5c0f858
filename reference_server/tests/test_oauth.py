"""The device flow as programs see it: codes, tokens, refresh, revocation, and how they end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from agents_signing_in import GRANT, SCOPE, Person, Program, error_of, hidden_fields, signed_in
from people import ReferenceServer, User, ok, start_server
from processes import serving_processes
from sqlalchemy import select

from agentserver_reference.domain.oauth import (
    APPROVED,
    CHANGES,
    DENIED,
    typed_code,
    user_code,
)
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services import device_sign_in
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings
from agentserver_reference.storage import device_codes as device_code_rows
from agentserver_reference.storage.engine.connection import Connection
from agentserver_reference.storage.tables import (
    device_codes,
    metadata,
    oauth_grants,
    oauth_tokens,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def user(server: ReferenceServer) -> User:
    return await server.create_user("ada@example.com")


@pytest.fixture
def program(server: ReferenceServer) -> Program:
    return Program(server.client)


async def test_the_flow_from_code_to_tokens(
    server: ReferenceServer, user: User, program: Program
) -> None:
    workspace_id = await user.create_workspace()
    code = await program.start()
    assert code["verification_uri"] == "http://test/oauth2/device"
    assert code["verification_uri_complete"] == (
        f"{code['verification_uri']}?user_code={code['user_code']}"
    )
    assert (code["expires_in"], code["interval"]) == (900, 5)
    assert typed_code(code["user_code"]) == code["user_code"]
    assert error_of(await program.poll(code)) == (400, "authorization_pending")
    approved = await Person(user).decide(code, workspace_id)
    assert approved.status_code == 200
    assert "You can close this page" in approved.text
    server.clock.advance(seconds=5)
    tokens = ok(await program.poll(code)).json()
    assert tokens.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "scope"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 3600)
    assert tokens["scope"] == SCOPE


async def test_a_program_that_asks_too_often_is_slowed_down_for_good(
    server: ReferenceServer, program: Program
) -> None:
    code = await program.start()
    pending, slow = "authorization_pending", "slow_down"
    for wait, said in (
        (0, pending),
        (5, pending),
        (4, slow),
        (10, pending),
        (9, slow),
        (15, pending),
    ):
        server.clock.advance(seconds=wait)
        assert error_of(await program.poll(code)) == (400, said), wait


async def test_a_denied_request_stays_denied(user: User, program: Program) -> None:
    code = await program.start()
    denied = await Person(user).decide(code, decision="deny")
    assert "was not let in" in denied.text
    for _ in range(2):
        assert error_of(await program.poll(code)) == (400, "access_denied")


async def test_a_code_expires_for_the_program_and_for_the_person(
    server: ReferenceServer, user: User, program: Program
) -> None:
    workspace_id = await user.create_workspace()
    code, approved = await program.start(), await program.start()
    ok(await Person(user).decide(approved, workspace_id))
    server.clock.advance(seconds=900)
    assert error_of(await program.poll(code)) == (400, "expired_token")
    assert error_of(await program.poll(approved)) == (400, "expired_token")
    page = await Person(user).open(code["user_code"])
    assert page.status_code == 409
    assert "expired" in page.text


async def test_a_code_is_redeemed_once(
    server: ReferenceServer, user: User, program: Program
) -> None:
    workspace_id = await user.create_workspace()
    code = await program.start()
    ok(await Person(user).decide(code, workspace_id))
    answers = await asyncio.gather(*(program.poll(code) for _ in range(10)))
    assert sorted(each.status_code for each in answers) == [200, *[400] * 9]
    assert {error_of(each) for each in answers if each.is_error} == {(400, "invalid_grant")}
    assert await server.store.read(_count, oauth_grants) == 1


@pytest.mark.parametrize("how", ["alike", "differently"])
async def test_a_code_is_decided_once(
    user: User, server: ReferenceServer, program: Program, how: str
) -> None:
    workspace_id = await user.create_workspace()
    code = await program.start()
    decisions = ["approve"] * 8 if how == "alike" else ["approve", "deny"] * 4
    person = Person(user)
    form = await person.open(code["user_code"])
    fields = hidden_fields(form.text)
    answers = await asyncio.gather(
        *(
            person.send(**fields, workspace_id=workspace_id, decision=decision)
            for decision in decisions
        )
    )
    won = [index for index, each in enumerate(answers) if each.status_code == 200]
    assert len(won) == 1
    assert {each.status_code for each in answers} == {200, 409}
    token = await program.poll(code)
    assert token.is_success == (decisions[won[0]] == "approve")


@pytest.mark.parametrize("second", [APPROVED, DENIED])
async def test_a_decided_code_cannot_be_decided_again(
    server: ReferenceServer, user: User, program: Program, second: str
) -> None:
    workspace_id = await user.create_workspace()
    code = await program.start()
    hashed, now = token_hash(code["user_code"]), server.clock()

    async def decide(state: str) -> bool:
        chosen = {"user_id": user.id, "workspace_id": workspace_id, "now": now}
        return await server.store.write(device_code_rows.decide, hashed, state, **chosen)

    assert await decide(APPROVED)
    assert not await decide(second)
    ok(await program.poll(code))


async def test_a_refresh_token_is_used_once_and_gives_another(
    server: ReferenceServer, user: User, program: Program
) -> None:
    first = await signed_in(server, user, await user.create_workspace())
    second = ok(await program.refresh(first["refresh_token"])).json()
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    third = ok(await program.refresh(second["refresh_token"], scope="agent:register")).json()
    assert third["scope"] == "agent:register"
    assert await valid(server, third["access_token"])


async def test_a_refresh_token_that_comes_twice_ends_all_that_came_of_the_sign_in(
    server: ReferenceServer, user: User, program: Program
) -> None:
    workspace_id = await user.create_workspace()
    other = await signed_in(server, user, workspace_id)
    first = await signed_in(server, user, workspace_id)
    second = ok(await program.refresh(first["refresh_token"])).json()
    assert error_of(await program.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert error_of(await program.refresh(second["refresh_token"])) == (400, "invalid_grant")
    assert not await valid(server, first["access_token"])
    assert not await valid(server, second["access_token"])
    assert await valid(server, other["access_token"])


async def test_of_simultaneous_refreshes_at_most_one_succeeds_and_nothing_stays_valid(
    server: ReferenceServer, user: User, program: Program
) -> None:
    tokens = await signed_in(server, user, await user.create_workspace())
    answers = await asyncio.gather(*(program.refresh(tokens["refresh_token"]) for _ in range(8)))
    assert sum(each.is_success for each in answers) == 1
    won = next(each.json() for each in answers if each.is_success)
    assert not await valid(server, won["access_token"])
    assert await server.store.read(_count, oauth_tokens) == 0


async def test_tokens_expire(server: ReferenceServer, user: User, program: Program) -> None:
    tokens = await signed_in(server, user, await user.create_workspace())
    server.clock.advance(seconds=3599)
    assert await valid(server, tokens["access_token"])
    server.clock.advance(seconds=1)
    assert not await valid(server, tokens["access_token"])
    server.clock.advance(days=30)
    assert error_of(await program.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


async def test_a_sign_in_that_is_refreshed_lives_on(
    server: ReferenceServer, user: User, program: Program
) -> None:
    tokens = await signed_in(server, user, await user.create_workspace())
    for _ in range(3):
        server.clock.advance(days=29)
        await device_sign_in.remove_expired(_work(server))
        tokens = ok(await program.refresh(tokens["refresh_token"])).json()
    assert await valid(server, tokens["access_token"])


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize(
    "hint",
    [{}, {"token_type_hint": "access_token"}, {"token_type_hint": "?"}],
    ids=["", "hint", "unknown hint"],
)
async def test_a_revoked_token_ends_at_once(
    server: ReferenceServer, user: User, program: Program, kind: str, hint: dict[str, str]
) -> None:
    tokens = await signed_in(server, user, await user.create_workspace())
    for _ in range(2):  # RFC 7009: an unknown token is no error
        assert ok(await program.revoke(tokens[kind], **hint)).json() == {}
    assert not await valid(server, tokens["access_token"])
    refreshed = await program.refresh(tokens["refresh_token"])
    assert refreshed.is_success == (kind == "access_token")


@pytest.mark.parametrize("how", ["removed", "guest", "workspace"])
async def test_the_end_of_a_membership_ends_the_tokens(
    server: ReferenceServer, user: User, program: Program, how: str
) -> None:
    workspace_id = await user.create_workspace()
    member = await server.create_user("grace@example.com")
    members = f"/api/workspaces/{workspace_id}/members"
    body = {"email": member.email, "role": "developer"}
    ok(await user.request("POST", members, body))
    own = await signed_in(server, user, workspace_id)
    tokens = await signed_in(server, member, workspace_id)
    late = await program.start()
    ok(await Person(member).decide(late, workspace_id))
    if how == "removed":
        ok(await user.request("DELETE", f"{members}/{member.id}"))
    elif how == "guest":
        ok(await user.request("PUT", f"{members}/{member.id}", {"role": "guest"}))
    else:
        ok(await user.request("DELETE", f"/api/workspaces/{workspace_id}"))
    assert not await valid(server, tokens["access_token"])
    assert error_of(await program.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert error_of(await program.poll(late)) == (400, "invalid_grant")
    assert await valid(server, own["access_token"]) == (how != "workspace")
    if how == "guest":  # who is raised again approves again
        ok(await user.request("PUT", f"{members}/{member.id}", {"role": "owner"}))
        assert not await valid(server, tokens["access_token"])


# --- bad requests ---------------------------------------------------------------------------------

BAD: dict[str, tuple[str, dict[str, str], str]] = {
    "no client": ("device/auth", {"client_id": ""}, "invalid_client"),
    "unknown client": ("device/auth", {"client_id": "other"}, "invalid_client"),
    "a client with a secret": ("device/auth", {"client_secret": "s"}, "invalid_client"),
    "unknown scope": ("device/auth", {"scope": "openid admin"}, "invalid_scope"),
    "no grant": ("token", {}, "unsupported_grant_type"),
    "unknown grant": ("token", {"grant_type": "password"}, "unsupported_grant_type"),
    "no code": ("token", {"grant_type": GRANT}, "invalid_request"),
    "unknown code": ("token", {"grant_type": GRANT, "device_code": "x"}, "invalid_grant"),
    "no token": ("token", {"grant_type": "refresh_token"}, "invalid_request"),
    "unknown token": (
        "token",
        {"grant_type": "refresh_token", "refresh_token": "x"},
        "invalid_grant",
    ),
    "client of a token": (
        "token",
        {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "other"},
        "invalid_client",
    ),
    "nothing to revoke": ("revoke", {}, "invalid_request"),
    "NUL": ("token", {"grant_type": GRANT, "device_code": "\0"}, "invalid_request"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_request_gets_the_error_of_the_rfc(program: Program, name: str) -> None:
    path, form, code = BAD[name]
    assert error_of(await program.post(path, **form)) == (400, code)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"client_id": "agentserver-agent-cli"}'),
        ("application/x-www-form-urlencoded", b"client_id=a&client_id=b"),
        ("application/x-www-form-urlencoded", b"client_id=%ff"),
        ("application/x-www-form-urlencoded", "client_id=ä".encode()),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=b" % n for n in range(60))),
        ("application/x-www-form-urlencoded", b"client_id=" + b"a" * 70000),
    ],
    ids=["json", "twice", "no UTF-8", "not encoded", "too many", "too long"],
)
@pytest.mark.parametrize("path", ["device/auth", "token", "revoke"])
async def test_what_is_no_form_is_an_invalid_request(
    server: ReferenceServer, path: str, content_type: str, body: bytes
) -> None:
    answer = await server.client.post(
        f"/api/oauth2/{path}", content=body, headers={"Content-Type": content_type}
    )
    assert error_of(answer) == (400, "invalid_request")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["device/auth", "token", "revoke"])
async def test_the_endpoints_take_post_alone(server: ReferenceServer, path: str) -> None:
    answer = await server.client.get(f"/api/oauth2/{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_refused_scope_leaves_the_refresh_token_usable(
    server: ReferenceServer, user: User, program: Program
) -> None:
    tokens = await signed_in(server, user, await user.create_workspace(), scope="openid")
    wider = await program.refresh(tokens["refresh_token"], scope="agent:register")
    assert error_of(wider) == (400, "invalid_scope")
    assert ok(await program.refresh(tokens["refresh_token"])).json()["scope"] == "openid"


async def test_an_access_token_is_no_refresh_token_and_a_refresh_token_no_access_token(
    server: ReferenceServer, user: User, program: Program
) -> None:
    tokens = await signed_in(server, user, await user.create_workspace())
    assert error_of(await program.refresh(tokens["access_token"])) == (400, "invalid_grant")
    assert not await valid(server, tokens["refresh_token"])
    assert await valid(server, tokens["access_token"])


# --- what is kept ---------------------------------------------------------------------------------


async def test_no_code_and_no_token_is_stored_or_logged(
    server: ReferenceServer, user: User, program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    waiting = await program.start()
    tokens = await signed_in(server, user, await user.create_workspace())
    refreshed = ok(await program.refresh(tokens["refresh_token"])).json()
    secrets = [waiting["device_code"], waiting["user_code"]]
    secrets += [
        each[f"{kind}_token"] for each in (tokens, refreshed) for kind in ("access", "refresh")
    ]
    rows = await server.store.read(_everything)
    for secret in secrets:
        assert secret not in rows
        assert secret not in caplog.text


async def test_what_has_expired_is_removed(
    server: ReferenceServer, user: User, program: Program
) -> None:
    await program.start()
    await signed_in(server, user, await user.create_workspace())
    assert await device_sign_in.remove_expired(_work(server)) == 0
    server.clock.advance(seconds=900)
    assert await device_sign_in.remove_expired(_work(server)) == 2
    server.clock.advance(hours=1)
    assert await device_sign_in.remove_expired(_work(server)) == 1  # the access token
    server.clock.advance(days=30)
    assert await device_sign_in.remove_expired(_work(server)) == 2
    for table in (device_codes, oauth_grants, oauth_tokens):
        assert await server.store.read(_count, table) == 0


async def test_undecided_requests_are_limited(
    server: ReferenceServer, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentserver_reference.domain.oauth.MOST_PENDING", 3)
    for _ in range(3):
        await program.start()
    refused = await program.post("device/auth")
    assert error_of(refused) == (503, "temporarily_unavailable")
    server.clock.advance(seconds=900)
    await program.start()


def test_codes_are_unambiguous_and_read_however_they_are_typed() -> None:
    code = user_code("f" * 64)
    assert len(code) == 9
    for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} "):
        assert typed_code(typed) == code
    for wrong in ("", "WDJB-MJH", "WDJB-MJHTT", "AEIO-UAEI", "1234-5678", "WDJB-MJH\0"):
        assert typed_code(wrong) is None


def test_every_state_of_a_code_is_in_the_table_of_its_life() -> None:
    assert {target for targets in CHANGES.values() for target in targets} <= set(CHANGES)


# --- several processes, and without ---------------------------------------------------------------


@pytest.mark.parametrize("processes", [2])
async def test_any_process_answers_and_one_of_them_redeems(
    postgres_url: str, processes: int
) -> None:
    with serving_processes(postgres_url, processes) as urls:
        async with (
            httpx.AsyncClient(base_url=urls[0]) as first,
            httpx.AsyncClient(base_url=urls[1]) as second,
        ):
            account = {"email": "ada@example.com", "password": "correct horse battery staple"}
            created = ok(await first.post("/api/auth/register", json=account)).json()
            opened = ok(await first.post("/api/auth/login", json=account))
            cookie = opened.headers["set-cookie"].partition(";")[0]
            for client in (first, second):
                client.cookies.clear()
            user = User(second, created["id"], account["email"], cookie)
            workspace_id = await user.create_workspace()
            for _ in range(5):
                code = await Program(first).start()
                ok(await Person(user).decide(code, workspace_id))
                answers = await asyncio.gather(
                    *(Program(each).poll(code) for each in (first, second) * 4)
                )
                assert sum(each.is_success for each in answers) == 1


async def test_where_oauth_is_off_its_routes_are_unknown(settings: Settings) -> None:
    async with start_server(settings, hydra_admin_url="off") as server:
        for method, path in (
            ("POST", "/api/oauth2/device/auth"),
            ("POST", "/api/oauth2/token"),
            ("GET", "/oauth2/device"),
        ):
            assert (await server.client.request(method, path)).status_code == 404


# --- reading the database -------------------------------------------------------------------------


def _work(server: ReferenceServer) -> Any:
    return UnitOfWork(server.context)


async def valid(server: ReferenceServer, access_token: str) -> bool:
    """Whether the provider says that a token is alive."""
    return await server.context.oauth.introspect(access_token) is not None


def _count(conn: Connection, table: Any) -> int:
    return len(conn.execute(select(*table.c)).all())


def _everything(conn: Connection) -> str:
    return repr([conn.execute(select(*table.c)).all() for table in metadata.sorted_tables])
