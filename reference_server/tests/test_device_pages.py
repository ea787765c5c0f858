"""The pages on which a person signs an agent in: what they show, and whom they refuse."""

from __future__ import annotations

import re

import pytest
from agents_signing_in import PAGE, Person, Program, hidden_fields, log_in_by_form
from people import PASSWORD, ReferenceServer, User, ok, start_server

from agentserver_reference.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def user(server: ReferenceServer) -> User:
    return await server.create_user("ada@example.com")


@pytest.fixture
def program(server: ReferenceServer) -> Program:
    return Program(server.client)


async def test_the_page_says_who_asks_for_what_and_for_whom(user: User, program: Program) -> None:
    await user.create_workspace("Loom <i>")
    code = await program.start()
    page = ok(await Person(user).open(code["user_code"]))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for shown in (code["user_code"], "ada@example.com", "register agents in a workspace"):
        assert shown in page.text
    assert "The agentserver agent program asks" in page.text
    assert ">Default workspace</option>" in page.text
    assert ">Loom &lt;i&gt;</option>" in page.text


async def test_only_workspaces_in_which_one_may_are_offered(
    server: ReferenceServer, user: User, program: Program
) -> None:
    other = await server.create_user("grace@example.com")
    offered = {}
    for role in ("guest", "developer", "maintainer", "owner"):
        offered[role] = await user.create_workspace(role)
        path = f"/api/workspaces/{offered[role]}/members"
        ok(await user.request("POST", path, {"email": other.email, "role": role}))
    code = await program.start()
    page = ok(await Person(other).open(code["user_code"]))
    assert re.findall(r"<option[^>]*>([^<]*)<", page.text) == [
        "Default workspace",
        "developer",
        "maintainer",
        "owner",
    ]
    fields = hidden_fields(page.text)
    for workspace_id in (offered["guest"], "no-such-workspace"):
        refused = await Person(other).send(**fields, workspace_id=workspace_id, decision="approve")
        assert refused.status_code == 403
        assert "You may not let agents into this workspace." in refused.text
    assert (await program.poll(code)).json()["error"] == "authorization_pending"


async def test_who_is_in_no_such_workspace_is_told(
    server: ReferenceServer, user: User, program: Program
) -> None:
    other = await server.create_user("grace@example.com")
    (own,) = await other.read("/api/workspaces")
    ok(await other.request("DELETE", f"/api/workspaces/{own['id']}"))
    code = await program.start()
    page = await Person(other).open(code["user_code"])
    assert page.status_code == 403
    assert "in no workspace as a developer or above" in page.text


async def test_who_is_not_signed_in_signs_in_and_comes_back(
    server: ReferenceServer, user: User, program: Program
) -> None:
    code = await program.start()
    asked = ok(await server.client.get(f"{PAGE}?user_code={code['user_code']}"))
    assert hidden_fields(asked.text) == {"user_code": code["user_code"]}
    assert 'autocomplete="current-password"' in asked.text
    back = await log_in_by_form(server.client, user.email, user_code=code["user_code"])
    server.client.cookies.clear()
    assert back.status_code == 303
    assert back.headers["location"] == f"{PAGE}?user_code={code['user_code']}"
    cookie = back.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    session = {"Cookie": cookie.partition(";")[0]}
    page = ok(await server.client.get(back.headers["location"], headers=session))
    assert "Approve" in page.text


async def test_a_wrong_password_is_told_and_the_code_kept(
    server: ReferenceServer, user: User
) -> None:
    asked = await log_in_by_form(server.client, user.email, password="wrong", user_code="WDJB-MJHT")
    assert asked.status_code == 401
    assert "The e-mail address or the password is wrong." in asked.text
    assert hidden_fields(asked.text) == {"user_code": "WDJB-MJHT"}
    assert "set-cookie" not in asked.headers


async def test_without_a_code_it_is_asked_for(user: User) -> None:
    page = ok(await Person(user).open())
    assert '<label for="user_code">Code</label>' in page.text
    assert 'method="get"' in page.text


@pytest.mark.parametrize("typed", ["lower", "bare", "blanks"])
async def test_a_code_is_read_however_it_is_typed(user: User, program: Program, typed: str) -> None:
    code = (await program.start())["user_code"]
    written = {
        "lower": code.lower(),
        "bare": code.replace("-", ""),
        "blanks": code.replace("-", "%20"),
    }[typed]
    assert code in ok(await Person(user).open(written)).text


async def test_a_wrong_code_is_told(user: User) -> None:
    for wrong in ("BBBB-BBBB", "AEIOU", "%00"):
        page = await Person(user).open(wrong)
        assert page.status_code == 404
        assert "There is no request with this code." in page.text
        assert 'aria-invalid="true"' in page.text


async def test_a_used_code_is_told(user: User, program: Program) -> None:
    code = await program.start()
    workspace_id = await user.create_workspace()
    ok(await Person(user).decide(code, workspace_id))
    page = await Person(user).open(code["user_code"])
    assert page.status_code == 409
    assert "This code has been used already." in page.text


async def test_wrong_codes_are_limited_in_each_session(
    server: ReferenceServer, user: User, program: Program
) -> None:
    person = Person(user)
    code = await program.start()
    for _ in range(10):
        assert (await person.open("BBBB-BBBB")).status_code == 404
    for each in ("BBBB-BBBB", code["user_code"]):
        refused = await person.open(each)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "900"
        assert "Too many wrong codes." in refused.text
    other = await server.create_user("grace@example.com")
    assert (await Person(other).open("BBBB-BBBB")).status_code == 404
    server.clock.advance(seconds=900)
    assert (await person.open("BBBB-BBBB")).status_code == 404


FORGED: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "another site": ({"Sec-Fetch-Site": "cross-site"}, {}),
    "a sibling domain": ({"Sec-Fetch-Site": "same-site"}, {}),
    "another origin": ({"Origin": "https://evil.example"}, {}),
    "no origin at all": ({"Origin": "null"}, {}),
    "no token": ({}, {"form_token": ""}),
    "a made-up token": ({}, {"form_token": "0" * 64}),
    "a token that is no text of ours": ({}, {"form_token": "ä"}),
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_form_of_somebody_else_decides_nothing(
    user: User, program: Program, how: str
) -> None:
    headers, changed = FORGED[how]
    code = await program.start()
    workspace_id = await user.create_workspace()
    fields = hidden_fields((await Person(user).open(code["user_code"])).text)
    for decision in ("approve", "deny"):
        form = {**fields, "workspace_id": workspace_id, "decision": decision, **changed}
        refused = await user.client.post(
            PAGE, data=form, headers={"Cookie": user.cookie, **headers}
        )
        assert refused.status_code == 403, decision
    assert (await program.poll(code)).json()["error"] == "authorization_pending"


async def test_the_token_of_a_form_is_of_one_session(
    server: ReferenceServer, user: User, program: Program
) -> None:
    other = await server.create_user("grace@example.com")
    code = await program.start()
    fields = hidden_fields((await Person(other).open(code["user_code"])).text)
    workspace_id = await user.create_workspace()
    refused = await Person(user).send(**fields, workspace_id=workspace_id, decision="approve")
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://e.example"}]
)
async def test_another_site_cannot_sign_somebody_in(
    server: ReferenceServer, user: User, headers: dict[str, str]
) -> None:
    refused = await server.client.post(
        f"{PAGE}/sign-in", data={"email": user.email, "password": PASSWORD}, headers=headers
    )
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


async def test_a_session_that_has_ended_decides_nothing(user: User, program: Program) -> None:
    code = await program.start()
    workspace_id = await user.create_workspace()
    fields = hidden_fields((await Person(user).open(code["user_code"])).text)
    ok(await user.request("POST", "/api/auth/logout"))
    refused = await Person(user).send(**fields, workspace_id=workspace_id, decision="approve")
    assert refused.status_code == 401
    assert (await program.poll(code)).json()["error"] == "authorization_pending"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"decision": "approve"}, "Choose a workspace."),
        ({"workspace_id": "w"}, "Choose whether to approve or to deny."),
    ],
)
async def test_what_is_missing_in_the_form_is_asked_for(
    user: User, program: Program, form: dict[str, str], said: str
) -> None:
    code = await program.start()
    fields = hidden_fields((await Person(user).open(code["user_code"])).text)
    page = await Person(user).send(**fields, **form)
    assert page.status_code == 400
    assert said in page.text
    assert "Approve" in page.text


async def test_no_page_can_be_framed_scripted_or_kept(
    server: ReferenceServer, user: User, program: Program
) -> None:
    code = await program.start()
    pages = [
        await server.client.get(PAGE),
        await Person(user).open(),
        await Person(user).open(code["user_code"]),
        await Person(user).open("BBBB-BBBB"),
        await Person(user).decide(code, decision="deny"),
        await server.client.post(PAGE),
    ]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self';" in policy
        assert not re.search(r"unsafe|https?:|\*", policy)
        assert page.headers["cache-control"] == "no-store"
        assert "<script" not in page.text
        assert not re.search(r'(?:src|href)="(?!data:,")', page.text)


async def test_what_is_typed_is_shown_as_text(user: User, server: ReferenceServer) -> None:
    nasty = '"><script>alert(1)</script>'
    shown = await server.client.get(PAGE, params={"user_code": nasty})
    assert "<script" not in shown.text
    assert hidden_fields(shown.text)["user_code"] == nasty


async def test_behind_a_prefix_all_addresses_have_it(settings: Settings) -> None:
    async with start_server(settings, public_url="https://agents.example/base") as server:
        program = Program(server.client)
        code = await program.start()
        assert code["verification_uri"] == "https://agents.example/base/oauth2/device"
        page = ok(await server.client.get(PAGE))
        assert 'action="/base/oauth2/device/sign-in"' in page.text
        await server.create_user("ada@example.com")
        back = await log_in_by_form(server.client, "ada@example.com")
        assert back.headers["location"] == "/base/oauth2/device"
        assert "; Secure" in back.headers["set-cookie"]


async def test_without_passwords_the_page_says_where_to_sign_in(settings: Settings) -> None:
    async with start_server(settings, password_auth_enabled=False) as server:
        page = await server.client.get(PAGE)
        assert page.status_code == 401
        assert "Sign in to agentserver in this browser first" in page.text
        refused = await log_in_by_form(server.client, "ada@example.com")
        assert refused.status_code == 401


async def test_head_is_answered_like_get(server: ReferenceServer) -> None:
    answer = await server.client.head(PAGE)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await server.client.put(PAGE)).headers["allow"] == "GET, HEAD, POST"
