"""The OAuth provider, embedded and elsewhere by one set of tests; and what one elsewhere may do."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import attrs
import httpx
import pytest
from agents_signing_in import Person, Program, error_of, hidden_fields
from listening import listening
from oauth_provider import Provider, provider
from people import PASSWORD, Clock, ReferenceServer, User, ok
from starlette.responses import JSONResponse, PlainTextResponse, Response

from agentserver_reference.app import create_app, utc_now
from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.domain.tokens import session_token
from agentserver_reference.gateways.oauth.embedded import EmbeddedOAuth
from agentserver_reference.gateways.oauth.remote import RemoteOAuth
from agentserver_reference.settings import Settings, SettingsError

pytestmark = pytest.mark.anyio


@attrs.frozen
class Deployment:
    """A server, and the provider that it asks if that is not its own."""

    server: ReferenceServer
    url: str
    provider: Provider | None

    async def decide(self, user: User, code: Any, workspace_id: str, decision: str) -> None:
        """Let a user approve or deny, as a browser leads them."""
        if self.provider is None:
            ok(await Person(user).decide(code, workspace_id, decision))
            return
        browser = Browser(user)
        page = await browser.open(f"{self.url}/oauth2/device/verify?user_code={code['user_code']}")
        page = await browser.send(page, user_code=code["user_code"])
        page = await browser.send(page, workspace_id=workspace_id, decision=decision)
        assert page.text == "done", page.text


@attrs.define
class Browser:
    """Follows redirects and the pages that lead on, and sends forms as they are."""

    user: User

    async def open(self, url: str) -> httpx.Response:
        """Go somewhere, and on to wherever that leads."""
        return await self._follow(await self._request("GET", url))

    async def send(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Fill the form of a page in, and send it."""
        action = re.findall(r'<form method="post" action="([^"]+)"', page.text)
        assert action, page.text
        url = urljoin(str(page.url), html.unescape(action[0]))
        form = {**hidden_fields(page.text), **fields}
        return await self._follow(await self._request("POST", url, data=form))

    async def _follow(self, page: httpx.Response) -> httpx.Response:
        for _ in range(10):
            leads_on = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
            if page.is_redirect:
                target = page.headers["location"]
            elif leads_on:
                target = html.unescape(leads_on[0])
            else:
                return page
            page = await self._request("GET", urljoin(str(page.url), target))
        raise AssertionError("it leads on for ever")

    async def _request(self, method: str, url: str, **content: Any) -> httpx.Response:
        headers = {"Cookie": f"theme=dark; {self.user.cookie}"}
        answer = await self.user.client.request(method, url, headers=headers, **content)
        self.user.client.cookies.clear()
        return answer


@asynccontextmanager
async def deployed(settings: Settings, elsewhere: Provider | None) -> AsyncIterator[Deployment]:
    """Serve on a real socket."""
    clock = Clock(utc_now())
    app = create_app(settings, clock=clock, validate_responses=True)
    context = app.state.context
    async with listening(app) as running:
        url = f"http://{running.address}"
        if elsewhere is not None:
            elsewhere.server, elsewhere.store = url, context.store
            elsewhere.oauth = EmbeddedOAuth(context.store, clock, session_token)
        async with httpx.AsyncClient(base_url=url) as client:
            yield Deployment(ReferenceServer(client, clock, context), url, elsewhere)


@pytest.fixture
async def elsewhere() -> AsyncIterator[Provider]:
    async with provider() as made:
        yield made


def asking(settings: Settings, elsewhere: Provider) -> Settings:
    """Settings of a server that asks a provider elsewhere."""
    return attrs.evolve(settings, hydra_admin_url=elsewhere.url, hydra_public_url=elsewhere.url)


@pytest.fixture(params=["embedded", "elsewhere"])
async def deployment(
    request: pytest.FixtureRequest, settings: Settings, elsewhere: Provider
) -> AsyncIterator[Deployment]:
    is_elsewhere = request.param == "elsewhere"
    chosen = asking(settings, elsewhere) if is_elsewhere else settings
    async with deployed(chosen, elsewhere if is_elsewhere else None) as made:
        yield made


@pytest.fixture
async def remote(settings: Settings, elsewhere: Provider) -> AsyncIterator[Deployment]:
    async with deployed(asking(settings, elsewhere), elsewhere) as made:
        yield made


# --- both -----------------------------------------------------------------------------------------


async def test_a_token_says_who_may_do_what_in_which_workspace(deployment: Deployment) -> None:
    server = deployment.server
    user = await server.create_user("ada@example.com")
    workspace_id = await user.create_workspace()
    program = Program(server.client)
    code = await program.start()
    assert error_of(await program.poll(code)) == (400, "authorization_pending")
    await deployment.decide(user, code, workspace_id, "approve")
    tokens = ok(await program.poll(code)).json()
    claims = await server.context.oauth.introspect(tokens["access_token"])
    assert claims is not None
    assert (claims.user_id, claims.workspace_id) == (user.id, workspace_id)
    assert claims.scopes == {"openid", "profile", "agent:register"}
    refreshed = ok(await program.refresh(tokens["refresh_token"])).json()
    assert await server.context.oauth.introspect(refreshed["access_token"]) is not None
    assert ok(await program.revoke(refreshed["access_token"])).json() == {}
    assert await server.context.oauth.introspect(refreshed["access_token"]) is None
    assert await server.context.oauth.introspect("made up") is None


async def test_who_denies_ends_it(deployment: Deployment) -> None:
    server = deployment.server
    user = await server.create_user("ada@example.com")
    program = Program(server.client)
    code = await program.start("openid")
    await deployment.decide(user, code, "", "deny")
    assert error_of(await program.poll(code)) == (400, "access_denied")


async def test_errors_are_those_of_the_rfc(deployment: Deployment) -> None:
    program = Program(deployment.server.client)
    assert error_of(await program.start_as("other")) == (400, "invalid_client")
    assert error_of(await program.refresh("unknown")) == (400, "invalid_grant")


# --- elsewhere ------------------------------------------------------------------------------------


async def test_who_is_not_signed_in_is_asked_and_comes_back(
    remote: Deployment, elsewhere: Provider
) -> None:
    user = await remote.server.create_user("ada@example.com")
    stranger = Browser(attrs.evolve(user, cookie="other=1"))
    code = await Program(remote.server.client).start()
    page = await stranger.open(f"{remote.url}/oauth2/device/verify?user_code={code['user_code']}")
    assert "Sign in" in page.text
    assert hidden_fields(page.text) == {
        "device_challenge": "d & #1",
        "user_code": code["user_code"],
    }
    wrong = await stranger.send(page, email=user.email, password="wrong")
    assert wrong.status_code == 401
    assert hidden_fields(wrong.text) == hidden_fields(page.text)
    login = await stranger.open(f"{elsewhere.url}/login")
    assert parse_qs(urlsplit(str(login.url)).query) == {"login_challenge": ["l & #1"]}
    sent = await user.client.post(
        f"{remote.url}/oauth2/login",
        data={**hidden_fields(login.text), "email": user.email, "password": PASSWORD},
    )
    assert "agentserver-token=" in sent.headers["set-cookie"]
    assert "/api/oauth2/login?login_challenge=l+%26+%231" in html.unescape(sent.text)


async def test_our_session_is_not_shown_to_the_provider(
    remote: Deployment, elsewhere: Provider
) -> None:
    user = await remote.server.create_user("ada@example.com")
    await user.client.get(
        f"{remote.url}/oauth2/device/verify",
        headers={"Cookie": f"a=1; {user.cookie}; b=2", "Authorization": "Bearer x"},
    )
    assert elsewhere.cookies == ["a=1; b=2"]


async def test_a_cookie_of_the_provider_reaches_the_browser(remote: Deployment) -> None:
    answer = await remote.server.client.get("/oauth2/device/verify")
    assert answer.headers["set-cookie"].startswith("provider-csrf=kept")


async def test_a_cookie_of_the_provider_is_not_sent_for_another_browser(
    remote: Deployment, elsewhere: Provider
) -> None:
    for _ in range(2):
        await remote.server.client.get("/oauth2/device/verify")
        remote.server.client.cookies.clear()
    assert elsewhere.cookies == []


async def test_the_claims_of_a_token_are_given_at_consent(
    remote: Deployment, elsewhere: Provider
) -> None:
    user = await remote.server.create_user("ada@example.com")
    workspace_id = await user.create_workspace()
    code = await Program(remote.server.client).start("openid agent:register")
    await remote.decide(user, code, workspace_id, "approve")
    assert elsewhere.asked == [
        ("device/accept", {"user_code": code["user_code"]}),
        ("login", {}),
        ("login/accept", {"subject": user.id, "remember": True}),
        ("consent", {}),
        ("consent", {}),
        (
            "consent/accept",
            {
                "grant_scope": ["openid", "agent:register"],
                "session": {
                    "access_token": {"workspace_id": workspace_id, "workspace_role": "owner"},
                    "id_token": {"workspace_id": workspace_id},
                },
            },
        ),
    ]


async def test_somebody_whom_the_provider_knows_already_is_accepted(
    remote: Deployment, elsewhere: Provider
) -> None:
    user = await remote.server.create_user("ada@example.com")
    elsewhere.logged_in = user.id
    answer = await remote.server.client.get(
        "/api/oauth2/login", params={"login_challenge": "l & #1"}
    )
    assert answer.status_code == 302
    assert elsewhere.asked[-1] == ("login/accept", {"subject": user.id, "remember": True})


async def test_nobody_answers_for_somebody_else(remote: Deployment, elsewhere: Provider) -> None:
    user = await remote.server.create_user("ada@example.com")
    other = await remote.server.create_user("grace@example.com")
    code = await Program(remote.server.client).start()
    browser = Browser(user)
    page = await browser.open(f"{remote.url}/oauth2/device/verify?user_code={code['user_code']}")
    page = await browser.send(page, user_code=code["user_code"])
    browser.user = other
    shown = await browser.open(str(page.url))
    assert shown.status_code == 403
    assert "about another account" in shown.text


@pytest.mark.parametrize("workspace", ["guest", "unknown", ""])
async def test_only_a_workspace_in_which_one_may_is_permitted(
    remote: Deployment, elsewhere: Provider, workspace: str
) -> None:
    owner = await remote.server.create_user("ada@example.com")
    user = await remote.server.create_user("grace@example.com")
    guests = await owner.create_workspace()
    path = f"/api/workspaces/{guests}/members"
    ok(await owner.request("POST", path, {"email": user.email, "role": "guest"}))
    code = await Program(remote.server.client).start()
    browser = Browser(user)
    page = await browser.open(f"{remote.url}/oauth2/device/verify?user_code={code['user_code']}")
    page = await browser.send(page, user_code=code["user_code"])
    chosen = {"guest": guests}.get(workspace, workspace)
    refused = await browser.send(page, workspace_id=chosen, decision="approve")
    assert refused.status_code == (403 if workspace else 400)
    assert "consent/accept" not in [kind for kind, _ in elsewhere.asked]


@pytest.mark.parametrize(
    "path", ["/oauth2/device", "/api/oauth2/login", "/api/oauth2/consent", "/oauth2/consent"]
)
async def test_an_address_without_its_challenge_is_refused(remote: Deployment, path: str) -> None:
    answer = await remote.server.client.get(path)
    assert answer.status_code == 400
    assert "challenge" in answer.text


FAILURES: dict[str, Response] = {
    "an error": PlainTextResponse("secret of the provider", 500),
    "not JSON": PlainTextResponse("<html>", 200),
    "other JSON": JSONResponse(["secret of the provider"]),
    "a redirect": Response(status_code=302, headers={"Location": "http://127.0.0.1:1/"}),
    "an error without code": JSONResponse({"detail": "secret of the provider"}, 400),
    "an error that is none": JSONResponse({"error": "Secret of the provider!"}, 400),
    "too much": PlainTextResponse("{" + " " * 1100000 + "}"),
}


@pytest.mark.parametrize("how", FAILURES)
async def test_a_provider_that_fails_is_a_bad_gateway_and_tells_nothing(
    remote: Deployment, elsewhere: Provider, how: str
) -> None:
    user = await remote.server.create_user("ada@example.com")
    elsewhere.failing = FAILURES[how]
    for path in ("device/auth", "token", "revoke"):
        answer = await Program(remote.server.client).post(path)
        assert error_of(answer) == (502, "temporarily_unavailable"), path
        assert "ecret" not in answer.text
    page = await user.get("/api/oauth2/login?login_challenge=x")
    assert page.status_code == 502
    assert "ecret" not in page.text
    with pytest.raises(BadGateway):
        await remote.server.context.oauth.introspect("token")


async def test_a_provider_that_cannot_be_reached_is_a_bad_gateway() -> None:
    oauth = RemoteOAuth("http://127.0.0.1:1", "http://127.0.0.1:1")
    with pytest.raises(BadGateway):
        await oauth.introspect("token")
    with pytest.raises(BadGateway):
        await oauth.verify_device("GET", "", (), b"")
    await oauth.close()


async def test_an_address_that_is_none_is_not_gone_on_to(
    remote: Deployment, elsewhere: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def accept(self: Provider, _: Any) -> Any:
        return {"redirect_to": "javascript:alert(1)"}

    monkeypatch.setattr(Provider, "_accept_login", accept)
    user = await remote.server.create_user("ada@example.com")
    answer = await user.get("/api/oauth2/login?login_challenge=l+%26+%231")
    assert answer.status_code == 502


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HYDRA_ADMIN_URL": "http://h"}, "HYDRA_PUBLIC_URL: is required with HYDRA_ADMIN_URL"),
        ({"HYDRA_PUBLIC_URL": "http://h"}, "HYDRA_ADMIN_URL: is required with HYDRA_PUBLIC_URL"),
        (
            {"HYDRA_ADMIN_URL": "off", "HYDRA_PUBLIC_URL": "http://h"},
            "HYDRA_PUBLIC_URL: must be left out where HYDRA_ADMIN_URL=off",
        ),
    ],
)
def test_half_a_configuration_stops_the_start(environment: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(said)}$"):
        Settings.from_environment(environment)
