"""Logins with OpenID Connect that a person approves: begun, completed, refused, and expired."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx
import pytest
from openid_provider import OpenIDProvider, openid_provider
from people import ReferenceServer, User, error_of, ok, start_server
from sqlalchemy import select
from starlette.responses import JSONResponse, PlainTextResponse

from agentserver_reference.domain import kubeconfig
from agentserver_reference.domain.errors import BadRequest
from agentserver_reference.domain.oauth import CLIENT_ID
from agentserver_reference.services import credential_logins
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings
from agentserver_reference.storage import credential_bindings, tables
from agentserver_reference.storage.engine.query import Query

pytestmark = pytest.mark.anyio

SECRET = "eXaMpLe-Secret-0123456789"
TAKEN = "display_name: another credential of the workspace has it"
REFUSED = "the login was refused: create the credential again"
EXPIRED = "the login has expired: create the credential again"


@attrs.frozen
class Logins:
    """The logins of a workspace, over HTTP."""

    server: ReferenceServer
    provider: OpenIDProvider
    owner: User
    workspace_id: str

    @property
    def path(self) -> str:
        return f"/api/workspaces/{self.workspace_id}/credentials/k8s"

    async def send(self, name: str = "Production") -> httpx.Response:
        body = {"display_name": name, "config": self.provider.kubeconfig()}
        return await self.owner.request("POST", self.path, body)

    async def begin(self, name: str = "Production") -> dict[str, Any]:
        begun = ok(await self.send(name))
        assert begun.status_code == 202, begun.text
        found: dict[str, Any] = begun.json()
        return found

    async def complete(self, login: dict[str, Any], user: User | None = None) -> httpx.Response:
        return await (user or self.owner).request(
            "POST", f"{self.path}/{login['id']}/device-complete"
        )

    async def approve(self, login: dict[str, Any]) -> None:
        await self.provider.decide(login["user_code"], self.owner.id, self.workspace_id)

    async def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self.owner.read(self.path)
        return rows

    def stop_clock(self) -> None:
        """Let no time pass from the moment on at which the provider may be asked."""
        self.server.clock.advance(seconds=5)

        async def wait(seconds: float) -> None:
            await asyncio.sleep(seconds if is_worker() else 0)

        object.__setattr__(self.server.context, "wait", wait)

    def polls(self) -> int:
        return sum("device_code" in each for each in self.provider.asked)


def is_worker() -> bool:
    """Whether a background loop waits, whose time is its own."""
    task = asyncio.current_task()
    return task is not None and "worker" in task.get_name()


@asynccontextmanager
async def starting(settings: Settings) -> AsyncIterator[Logins]:
    async with start_server(settings, private_addresses_allowed=True) as server:

        async def wait(seconds: float) -> None:
            if is_worker():
                await asyncio.sleep(seconds)
                return
            server.clock.advance(seconds=seconds)
            await asyncio.sleep(0)

        object.__setattr__(server.context, "wait", wait)
        async with openid_provider(server) as provider:
            owner = await server.create_user("owner@example.com")
            yield Logins(server, provider, owner, await owner.create_workspace())


@pytest.fixture
async def logins(settings: Settings) -> AsyncIterator[Logins]:
    async with starting(settings) as started:
        yield started


async def test_a_login_is_approved_by_a_person_and_then_kept(logins: Logins) -> None:
    login = await logins.begin()
    assert login == {
        "id": login["id"],
        "status": "pending_device_code",
        "verification_uri": f"{logins.provider.url}/approve",
        "user_code": login["user_code"],
        "expires_in": 900,
    }
    assert logins.provider.asked == [{"client_id": CLIENT_ID, "scope": "openid profile"}]
    assert await logins.rows() == []
    await logins.approve(login)
    completed = ok(await logins.complete(login))
    assert (completed.status_code, completed.json()) == (
        201,
        {
            "id": login["id"],
            "display_name": "Production",
            "server_url": "https://k8s.example.com:6443",
            "auth_type": "oidc",
            "public_meta": {},
            "is_default": True,
        },
    )
    (row,) = await logins.rows()
    assert row == completed.json() | {"created_at": row["created_at"]}
    again = ok(await logins.complete(login))
    assert (again.status_code, again.json()) == (201, completed.json())


async def test_what_the_provider_gave_is_stored_encrypted(logins: Logins) -> None:
    logins.provider.tokens = {"id_token": SECRET, "expires_in": 600}
    login = await logins.begin()
    await logins.approve(login)
    ok(await logins.complete(login))
    (row,) = await logins.server.store.read(
        lambda conn: Query(select(*tables.credential_bindings.columns)).all(conn)
    )
    assert SECRET not in str(row)
    opened = json.loads(
        logins.server.context.cipher.decrypt(
            row["secret_encrypted"], row=login["id"], column=credential_bindings.SECRET_COLUMN
        )
    )
    assert opened.pop("access_token")
    assert opened.pop("refresh_token")
    assert opened.pop("token_expiry")
    assert opened == {
        "issuer_url": logins.provider.url,
        "client_id": CLIENT_ID,
        "scopes": ["openid", "profile"],
        "id_token": SECRET,
    }


async def test_an_undecided_login_is_told_again_after_a_minute(logins: Logins) -> None:
    login = await logins.begin()
    began = logins.server.clock()
    answer = ok(await logins.complete(login))
    assert (answer.status_code, answer.json()) == (202, login | {"expires_in": 840})
    assert (logins.server.clock() - began).total_seconds() == 60
    assert 10 <= logins.polls() <= 12, "the provider is asked every five seconds"
    await logins.approve(login)
    assert (await logins.complete(login)).status_code == 201


async def test_a_provider_that_asks_to_be_asked_less_often_is(logins: Logins) -> None:
    login = await logins.begin()
    logins.provider.failing = JSONResponse({"error": "slow_down"}, 400)
    assert (await logins.complete(login)).status_code == 202
    assert logins.polls() <= 4, "after 5, 10, 15 and 20 more seconds"


async def test_of_many_who_complete_at_once_all_get_the_credential(logins: Logins) -> None:
    login = await logins.begin()
    await logins.approve(login)
    logins.stop_clock()
    answers = await asyncio.gather(*(logins.complete(login) for _ in range(5)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.text for each in answers}) == 1
    assert len(await logins.rows()) == 1
    assert logins.polls() == 1


async def test_a_caller_who_hangs_up_loses_nothing(
    logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await logins.begin()
    await logins.approve(login)
    logins.stop_clock()
    asked, answer = asyncio.Event(), asyncio.Event()
    token = logins.server.context.oauth.token

    async def slow(form: Any) -> Any:
        given = await token(form)
        asked.set()
        await answer.wait()
        return given

    monkeypatch.setattr(logins.server.context.oauth, "token", slow)
    work = UnitOfWork(logins.server.context)
    waiting = asyncio.create_task(
        credential_logins.complete(work, logins.workspace_id, "k8s", login["id"])
    )
    await asked.wait()  # the provider has given its tokens, which it does only once
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    answer.set()
    completed = ok(await logins.complete(login))
    assert completed.status_code == 201
    assert logins.polls() == 1


async def test_another_process_completes_a_login(logins: Logins, settings: Settings) -> None:
    if settings.resolved_database_url.startswith("sqlite"):
        pytest.skip("SQLite has one process")
    login = await logins.begin()
    await logins.approve(login)
    async with start_server(settings, private_addresses_allowed=True) as other:
        other.clock.advance(seconds=5)
        client = attrs.evolve(logins.owner, client=other.client)
        assert ok(await logins.complete(login, client)).status_code == 201
    assert (await logins.complete(login)).status_code == 201


async def test_a_login_that_a_person_denies_is_refused_for_good(logins: Logins) -> None:
    login = await logins.begin()
    await logins.provider.deny(login["user_code"], logins.owner.id)
    for _ in range(2):
        assert error_of(await logins.complete(login)) == (409, REFUSED)
    assert logins.polls() == 1
    assert await logins.rows() == []


async def test_a_login_expires_and_is_known_to_have_for_a_day(logins: Logins) -> None:
    login = await logins.begin()
    await logins.approve(login)
    logins.server.clock.advance(seconds=900)
    assert error_of(await logins.complete(login)) == (410, EXPIRED)
    assert logins.polls() == 0
    logins.server.clock.advance(hours=23)
    assert await credential_logins.remove_expired(UnitOfWork(logins.server.context)) == 0
    assert error_of(await logins.complete(login)) == (410, EXPIRED)
    logins.server.clock.advance(hours=1)
    assert await credential_logins.remove_expired(UnitOfWork(logins.server.context)) == 1
    assert error_of(await logins.complete(login)) == (404, "no login with this id")


async def test_a_name_that_is_taken_is_refused_before_a_login_begins(logins: Logins) -> None:
    login = await logins.begin()
    await logins.approve(login)
    ok(await logins.complete(login))
    asked = len(logins.provider.asked)
    assert error_of(await logins.send()) == (409, TAKEN)
    assert len(logins.provider.asked) == asked


async def test_a_login_whose_name_was_given_away_stays_approved(logins: Logins) -> None:
    first, second = await logins.begin(), await logins.begin()
    for each in (first, second):
        await logins.approve(each)
    ok(await logins.complete(first))
    for _ in range(2):
        assert error_of(await logins.complete(second)) == (409, TAKEN)
    renamed = {"display_name": "Another"}
    ok(await logins.owner.request("PATCH", f"{logins.path}/{first['id']}", renamed))
    completed = ok(await logins.complete(second)).json()
    assert (completed["display_name"], completed["is_default"]) == ("Production", False)
    assert logins.polls() == 2


async def test_a_login_of_another_workspace_is_unknown(logins: Logins) -> None:
    login = await logins.begin()
    other = attrs.evolve(logins, workspace_id=await logins.owner.create_workspace())
    assert error_of(await other.complete(login)) == (404, "no login with this id")
    elsewhere = f"/api/workspaces/{logins.workspace_id}/credentials/aws/{login['id']}"
    answer = await logins.owner.request("POST", f"{elsewhere}/device-complete")
    assert error_of(answer) == (404, "credential kind not found")
    assert logins.polls() == 0


async def test_a_credential_of_another_kind_cannot_be_completed(logins: Logins) -> None:
    config = (
        "clusters: [{name: c, cluster: {server: 'https://h.example.com'}}]\n"
        "users: [{name: u, user: {token: t}}]"
    )
    body = {"display_name": "By token", "config": config}
    kept = ok(await logins.owner.request("POST", logins.path, body)).json()
    assert error_of(await logins.complete(kept)) == (404, "no login with this id")


async def test_only_maintainers_complete_logins(logins: Logins) -> None:
    login = await logins.begin()
    await logins.approve(login)
    outsider = await logins.server.create_user("developer@example.com")
    assert error_of(await logins.complete(login, outsider))[0] == 403
    member = {"email": outsider.email, "role": "developer"}
    members = f"/api/workspaces/{logins.workspace_id}/members"
    ok(await logins.owner.request("POST", members, member))
    assert error_of(await logins.complete(login, outsider)) == (403, "insufficient permissions")
    assert logins.polls() == 0


FAILURES: dict[str, tuple[Any, str]] = {
    "down": (PlainTextResponse(SECRET, 500), "cannot be reached"),
    "refuses": (PlainTextResponse(SECRET, 401), "refused the credential"),
    "no JSON": (PlainTextResponse(SECRET), "gave an answer that was not understood"),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_how_a_provider_fails_is_told_and_not_what_it_says(logins: Logins, case: str) -> None:
    logins.provider.failing, reason = FAILURES[case]
    assert error_of(await logins.send()) == (502, f"the OpenID provider {reason}")


async def test_a_provider_that_fails_while_a_login_is_completed_ends_nothing(
    logins: Logins,
) -> None:
    login = await logins.begin()
    await logins.approve(login)
    logins.provider.failing = PlainTextResponse(SECRET, 503)
    failed = await logins.complete(login)
    assert error_of(failed) == (502, "the OpenID provider cannot be reached")
    logins.provider.failing = None
    assert ok(await logins.complete(login)).status_code == 201


@pytest.mark.parametrize(
    "differs",
    [
        {"issuer": "https://other.example.com"},
        {"device_authorization_endpoint": ""},
        {"device_authorization_endpoint": "ftp://h.example.com"},
        {"token_endpoint": "https://user:password@h.example.com"},
    ],
    ids=str,
)
async def test_a_configuration_that_leads_elsewhere_is_not_followed(
    logins: Logins, differs: dict[str, Any]
) -> None:
    logins.provider.discovered = differs
    refused = await logins.send()
    assert error_of(refused) == (502, "the OpenID provider gave an answer that was not understood")


async def test_a_provider_in_a_private_network_is_refused_unless_it_is_allowed(
    settings: Settings,
) -> None:
    async with start_server(settings) as server:
        owner = await server.create_user("owner@example.com")
        path = f"/api/workspaces/{await owner.create_workspace()}/credentials/k8s"
        for issuer, rule in (
            ("http://login.example.com", "must begin with https://"),
            ("https://127.0.0.1:1", "must be an address of the public internet"),
        ):
            config = OpenIDProvider(server, issuer).kubeconfig()
            body = {"display_name": "Production", "config": config}
            refused = await owner.request("POST", path, body)
            line = f"config: users[0].user.exec.args: --oidc-issuer-url: {rule}"
            assert error_of(refused) == (400, line)


def args(*given: Any) -> str:
    return json.dumps(
        {
            "clusters": [{"name": "c", "cluster": {"server": "https://h.example.com"}}],
            "users": [{"name": "u", "user": {"exec": {"command": "kubectl", "args": given}}}],
        }
    )


ISSUER = ("--oidc-issuer-url", "https://login.example.com/realm")
CLIENT = ("--oidc-client-id", "kubernetes")
LOGIN = ("oidc-login", "get-token")


def test_the_flags_of_a_login_are_read_as_they_may_be_written() -> None:
    scopes = ("--oidc-extra-scope=email", "--oidc-extra-scope", "groups")
    text = args(*LOGIN, "--v=1", "=".join(ISSUER), *CLIENT, *scopes, "--oidc-client-secret=x")
    read = kubeconfig.read_kubeconfig(text, private_allowed=False)
    assert read.auth_type == "oidc"
    assert json.loads(read.secret) == {
        "issuer_url": "https://login.example.com/realm",
        "client_id": "kubernetes",
        "scopes": ["openid", "email", "groups"],
    }


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ((*LOGIN, *ISSUER), "args: must have --oidc-client-id"),
        ((*LOGIN, *CLIENT), "args: must have --oidc-issuer-url"),
        ((*LOGIN, ISSUER[0], *CLIENT), "args: must have --oidc-issuer-url"),
        ((*ISSUER, *CLIENT), "is not supported"),
        (("oidc-login", *ISSUER, *CLIENT), "is not supported"),
    ],
    ids=str,
)
def test_another_command_or_an_incomplete_one_is_refused(given: Any, place: str) -> None:
    with pytest.raises(BadRequest) as refused:
        kubeconfig.read_kubeconfig(args(*given), private_allowed=False)
    assert refused.value.line.startswith("config: users[0].user.exec")
    assert place in refused.value.line
