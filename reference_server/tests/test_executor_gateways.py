"""The gateway of executors, embedded and remote: the same for callers, whatever fails outside."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import attrs
import httpx
import pytest
from exec_gateway import OF_WORKSPACE, SECRET, Answer, Gateway, site_with_gateway
from machines import USER_AGENT, Machine, Site, site, until
from people import User, error_of, ok
from serving import in_memory
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from agentserver_reference.gateways.executors import remote
from agentserver_reference.gateways.executors.remote import RemoteExecutors
from agentserver_reference.settings import Settings, SettingsError
from agentserver_reference.storage import executor_identities, tables
from agentserver_reference.storage.engine.query import Query

pytestmark = pytest.mark.anyio

TAKEN = (409, "an executor of this workspace has that name")
UNREACHABLE = (502, "the gateway of executors cannot be reached")
NOT_UNDERSTOOD = (502, "the gateway of executors gave an answer that was not understood")
REFUSED = (502, "the gateway of executors refused the credential")
REGISTER, UNREGISTER = "POST /register", "DELETE /executors/{executor_id}"
BIND, LIST = f"POST {OF_WORKSPACE}", f"GET {OF_WORKSPACE}"


@pytest.fixture(params=["embedded", "remote"])
async def here(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Site]:
    if request.param == "embedded":
        async with site(settings) as opened:
            yield opened
    else:
        async with site_with_gateway(settings) as (opened, _):
            yield opened


@pytest.fixture
async def apart() -> AsyncIterator[tuple[Site, Gateway]]:
    """For what no database matters to."""
    async with site_with_gateway(in_memory()) as both:
        yield both


async def identities(here: Site) -> list[str]:
    """The executors that have an identity."""
    query = Query(select(tables.executor_identities.c.executor_id))
    rows = await here.context.store.read(query.all)
    return [row["executor_id"] for row in rows]


# --- wherever executors are connected -------------------------------------------------------------


async def test_an_executor_is_listed_as_it_was_registered(here: Site) -> None:
    body = {"name": "build.machine-1_x", "description": "Größe"}
    made = ok(await here.owner.request("POST", here.path, body)).json()
    assert await here.list() == [
        {"exe_id": made["exe_id"], **body, "is_default": False, "is_online": False}
    ]
    assert await identities(here) == [made["exe_id"]]
    last = await here.register("last")
    assert [row["exe_id"] for row in await here.list()] == [made["exe_id"], last.id]


async def test_of_those_who_register_one_name_at_once_one_succeeds(here: Site) -> None:
    def ask() -> Awaitable[httpx.Response]:
        return here.owner.request("POST", here.path, {"name": "build"})

    answers = await asyncio.gather(*(ask() for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]
    assert {error_of(each) for each in answers if each.status_code == 409} == {TAKEN}
    assert [row["name"] for row in await here.list()] == ["build"]
    assert len(await identities(here)) == 1
    await here.register("Build")


async def test_a_name_is_free_again_and_in_other_workspaces(here: Site) -> None:
    machine = await here.register()
    other = f"/api/workspaces/{await here.owner.create_workspace()}/executors"
    ok(await here.owner.request("POST", other, {"name": "build"}))
    # Of another workspace, it is not unbound.
    ok(await here.owner.request("DELETE", f"{other}/{machine.id}"))
    assert [row["exe_id"] for row in await here.list()] == [machine.id]
    await here.unbind(machine.id)
    await here.unbind(machine.id)
    assert await here.list() == []
    assert (await here.register()).id != machine.id


async def test_a_registration_that_fails_on_its_way_leaves_nothing(
    here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patched:
        patched.setattr(executor_identities, "add", fail)
        with pytest.raises((httpx.HTTPError, AssertionError)):
            ok(await here.owner.request("POST", here.path, {"name": "build"}))
    assert await here.list() == []
    assert await identities(here) == []
    await here.register()


async def test_a_machine_with_the_command_is_online_until_it_leaves(here: Site) -> None:
    machine = await here.register()
    async with machine.connecting(await machine.ticket()):

        async def is_online() -> bool:
            return bool((await here.list())[0]["is_online"])

        await until(is_online)
        (row,) = await here.list()
        shown = {"client_ua": USER_AGENT, "codex_version": "0.140.0"}
        times = dict.fromkeys(("connected_at", "last_seen_at"), "2026-11-23T10:00:00Z")
        assert row.items() >= {**shown, **times}.items()
        assert "disconnected_at" not in row
        here.timeline.now += timedelta(seconds=30)

    async def is_offline() -> bool:
        return not await is_online()

    await until(is_offline)
    assert (await here.list())[0]["disconnected_at"] == "2026-11-23T10:00:30Z"


async def test_an_assertion_is_used_once(here: Site) -> None:
    machine = await here.register()
    assertion = machine.assertion(await machine.task())
    answers = await asyncio.gather(*(machine.ask_for_ticket(assertion) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]


async def _unbind(here: Site, machine: Machine, _: User) -> None:
    await here.unbind(machine.id)


async def _remove_member(here: Site, _: Machine, maker: User) -> None:
    path = f"/api/workspaces/{here.workspace_id}/members/{maker.id}"
    ok(await here.owner.request("DELETE", path))


async def _delete_workspace(here: Site, _: Machine, __: User) -> None:
    ok(await here.owner.request("DELETE", f"/api/workspaces/{here.workspace_id}"))


async def _expire(here: Site, _: Machine, __: User) -> None:
    here.timeline.now += timedelta(days=30)


@pytest.mark.parametrize("end", [_unbind, _remove_member, _delete_workspace, _expire])
async def test_whatever_ends_an_identity_ends_its_admission(
    here: Site, end: Callable[[Site, Machine, User], Awaitable[None]]
) -> None:
    maker = await here.add_member("maker@example.com", "maintainer")
    machine = await here.register("a", maker)
    task = await machine.task()
    ok(await machine.ask_for_ticket(machine.assertion(task)))
    await end(here, machine, maker)
    here.timeline.now += timedelta(seconds=1)
    assert (await machine.ask_for_ticket(machine.assertion(task))).status_code == 401
    assert error_of(await machine.ask_for_task()) == (404, "unknown agent")


# --- a remote gateway -----------------------------------------------------------------------------


async def test_the_gateway_is_asked_on_behalf_of_the_caller(apart: tuple[Site, Gateway]) -> None:
    here, gateway = apart
    machine = await here.register()
    await here.list()
    await here.unbind(machine.id)
    of_workspace = f"/api/codex-exec/workspaces/{here.workspace_id}/executors"
    asked = [
        ("POST", "/api/codex-exec/register"),
        ("POST", of_workspace),
        ("GET", of_workspace),
        ("GET", of_workspace),
        ("DELETE", f"/api/codex-exec/executors/{machine.id}"),
    ]
    assert gateway.asked == [(*each, here.owner.id) for each in asked]
    assert (gateway.owners, await identities(here)) == ({}, [])


async def test_ids_are_escaped(apart: tuple[Site, Gateway]) -> None:
    here, gateway = apart
    await here.context.executors.list_of("a/../b?c#d%", here.owner.id)
    assert gateway.asked[-1][1] == "/api/codex-exec/workspaces/a%2F..%2Fb%3Fc%23d%25/executors"


async def test_the_gateway_is_not_asked_for_those_who_may_not(apart: tuple[Site, Gateway]) -> None:
    here, gateway = apart
    developer = await here.add_member("developer@example.com", "developer")
    for method, path, body in (
        ("POST", here.path, {"name": "build"}),
        ("DELETE", f"{here.path}/x", None),
    ):
        refused = error_of(await developer.request(method, path, body))
        assert refused == (403, "insufficient permissions")
    assert gateway.asked == []


async def garbage(_: Request) -> Response:
    return PlainTextResponse("<html>secret</html>")


async def broken(_: Request) -> Response:
    return JSONResponse({"error": "secret"}, 500)


async def redirected(request: Request) -> Response:
    return RedirectResponse(request.url.replace(query="again"), 307)


async def silent(request: Request) -> Response:
    """Answers never, and notices when that is given up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


@attrs.frozen
class Fault:
    """A way in which the gateway fails, and what the caller is answered."""

    answer: Answer | None
    expected: tuple[int, str]
    secret: str = SECRET


FAULTS = {
    "silent": Fault(silent, UNREACHABLE),
    "broken": Fault(broken, UNREACHABLE),
    "garbage": Fault(garbage, NOT_UNDERSTOOD),
    "redirected": Fault(redirected, NOT_UNDERSTOOD),
    "another secret": Fault(None, REFUSED, secret="another"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_gateway_that_fails_is_a_bad_gateway(
    apart: tuple[Site, Gateway], fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, gateway = apart
    machine = await here.register("kept")
    monkeypatch.setattr(here.context.executors, "_timeout", 0.2)
    gateway.secret = fault.secret
    if fault.answer is not None:
        gateway.instead = dict.fromkeys((REGISTER, BIND, LIST), fault.answer)
        # What it answers to a removal is not read.
        if fault.answer is not garbage:
            gateway.instead[UNREGISTER] = fault.answer
    for method, path, body in (
        ("GET", here.path, None),
        ("POST", here.path, {"name": "build"}),
        ("DELETE", f"{here.path}/{machine.id}", None),
    ):
        assert error_of(await here.owner.request(method, path, body)) == fault.expected
    # It was revoked nevertheless, and the executor is removed when that is asked for again.
    assert await identities(here) == []
    gateway.instead, gateway.secret = {}, SECRET
    assert [row["name"] for row in await here.list()] == ["kept"]
    await here.unbind(machine.id)
    assert (await here.list(), gateway.owners) == ([], {})


@pytest.mark.parametrize("fault", [silent, broken, redirected], ids=lambda each: each.__name__)
@pytest.mark.parametrize("when", ["instead", "after"])
async def test_an_executor_that_no_workspace_was_given_is_removed(
    apart: tuple[Site, Gateway], fault: Answer, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, gateway = apart
    monkeypatch.setattr(here.context.executors, "_timeout", 0.2)
    getattr(gateway, when)[BIND] = fault
    refused = error_of(await here.owner.request("POST", here.path, {"name": "build"}))
    assert refused == (NOT_UNDERSTOOD if fault is redirected else UNREACHABLE)
    assert (gateway.owners, gateway.bound, await identities(here)) == ({}, {}, [])
    getattr(gateway, when).clear()
    await here.register()


async def test_a_caller_is_told_what_failed_first(apart: tuple[Site, Gateway]) -> None:
    here, gateway = apart
    gateway.instead = {BIND: redirected, UNREGISTER: broken}
    refused = error_of(await here.owner.request("POST", here.path, {"name": "build"}))
    assert refused == NOT_UNDERSTOOD
    # It holds no name, and no machine can use it.
    assert (await here.list(), await identities(here)) == ([], [])


async def test_only_a_name_that_is_listed_is_taken(apart: tuple[Site, Gateway]) -> None:
    """The release answers 409 to whatever fails in its database."""
    here, gateway = apart

    async def conflict(_: Request) -> Response:
        return JSONResponse({"error": "bind failed"}, 409)

    gateway.instead[BIND] = conflict
    refused = error_of(await here.owner.request("POST", here.path, {"name": "build"}))
    assert refused == NOT_UNDERSTOOD
    assert (gateway.owners, await identities(here)) == ({}, [])


@pytest.mark.parametrize(
    "rows",
    [
        {"exe_id": "x"},
        [{"exe_id": "../x", "name": "a"}],
        [{"exe_id": "exe_00000000-0000-4000-8000-000000000000", "name": "a b"}],
        [{"exe_id": "exe_00000000-0000-4000-8000-000000000000", "name": "a\n"}],
        [{"exe_id": "exe_00000000-0000-4000-8000-000000000000"}],
        [
            {
                "exe_id": "exe_00000000-0000-4000-8000-000000000000",
                "name": "a",
                "last_seen_at": "today",
            }
        ],
    ],
)
async def test_a_list_that_is_none_is_not_understood(
    apart: tuple[Site, Gateway], rows: Any
) -> None:
    here, gateway = apart

    async def listed(_: Request) -> Response:
        return JSONResponse(rows)

    gateway.instead[LIST] = listed
    assert error_of(await here.owner.get(here.path)) == NOT_UNDERSTOOD


async def test_what_a_machine_says_of_itself_is_cut(apart: tuple[Site, Gateway]) -> None:
    here, gateway = apart
    await here.register()
    (row,) = gateway.bound.values()
    row |= {"client_ua": "a" * 2000, "os": "", "client_ip": None, "unknown": 1}
    row |= {"last_seen_at": "2026-11-23T11:00:00.123456789+01:00"}
    (shown,) = await here.list()
    assert (len(shown["client_ua"]), shown["last_seen_at"]) == (1000, "2026-11-23T10:00:00Z")
    assert not {"os", "client_ip", "unknown"} & shown.keys()
    gateway.instead[LIST] = _null
    assert await here.list() == []


async def _null(_: Request) -> Response:
    return JSONResponse(None)


def test_a_request_to_the_gateway_takes_ten_seconds_at_most() -> None:
    assert RemoteExecutors("http://gateway", secret=None)._timeout == remote.TIMEOUT == 10


# --- what a remote gateway asks -------------------------------------------------------------------


async def test_the_gateway_is_told_whose_an_executor_is(apart: tuple[Site, Gateway]) -> None:
    here, gateway = apart
    machine, task_of = await here.register(), {}
    task_of[machine.id] = await machine.task()

    async def ask(secret: str = SECRET, **body: Any) -> httpx.Response:
        here.timeline.now += timedelta(seconds=1)  # so that the assertion is another one
        _, _, assertion = machine.assertion(task_of[machine.id]).partition(" ")
        asked = {"scheme": "agent_assertion", "assertion": assertion, **body}
        said = {name: value for name, value in asked.items() if value is not ...}
        return await gateway.validate(said, secret)

    for account_id in (..., None, "", here.owner.id):
        assert ok(await ask(account_id=account_id)).json() == {"user_id": here.owner.id}
    refused = (401, "unauthorized")
    assert error_of(await ask(account_id="another")) == refused
    assert error_of(await ask(scheme="bearer")) == refused
    assert error_of(await ask(assertion=...)) == refused
    for text in ("", "!", "é", "bnVsbA", "W10"):
        assert error_of(await ask(assertion=text)) == refused
    assert error_of(await ask("another")) == refused
    assert error_of(await ask(scheme=...)) == (400, "scheme: is required")
    public = await here.client.post("/internal/codex-auth/validate", json={})
    assert error_of(public) == (404, "not found")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_id_that_the_database_does_not_take_is_that_of_nothing(
    settings: Settings,
) -> None:
    async with site_with_gateway(settings) as (here, gateway):
        machine = await here.register()
        _, _, text = machine.assertion("task", agent_runtime_id="exe_\0").partition(" ")
        answer = await gateway.validate({"scheme": "agent_assertion", "assertion": text})
        assert error_of(answer) == (401, "unauthorized")


async def test_the_gateways_own_routes_are_not_on_the_server(apart: tuple[Site, Gateway]) -> None:
    here, _ = apart
    machine = await here.register()
    for path in ("/codex-exec/x", f"/cloud/environment/{machine.id}/register"):
        assert error_of(await here.client.get(path)) == (404, "not found")
    issuer = f"{str(here.client.base_url).rstrip('/')}/codex-auth"
    assert f"chatgpt_base_url='{issuer}'" in machine.command
    assert ok(await here.client.get(f"{issuer}/agent-identities/jwks")).json()["keys"]


# --- settings -------------------------------------------------------------------------------------

WHOLE = {
    "CODEX_EXEC_GATEWAY_INTERNAL_URL": "http://gateway:6060/",
    "CODEX_EXEC_GATEWAY_PUBLIC_HOST": "Codex-Exec.example.com:8443",
    "AGENTSERVER_INTERNAL_LISTEN": "127.0.0.1:8081",
    "INTERNAL_API_SECRET": SECRET,
}


def test_the_settings_of_a_remote_gateway_are_read() -> None:
    settings = Settings.from_environment(WHOLE)
    assert settings.codex_exec_gateway_internal_url == "http://gateway:6060"
    assert settings.codex_exec_gateway_public_host == "codex-exec.example.com:8443"
    assert settings.has_remote_executors


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"CODEX_EXEC_GATEWAY_PUBLIC_HOST": ""},
            "CODEX_EXEC_GATEWAY_PUBLIC_HOST: is required with CODEX_EXEC_GATEWAY_INTERNAL_URL",
        ),
        (
            {"CODEX_EXEC_GATEWAY_PUBLIC_HOST": "https://gateway"},
            "CODEX_EXEC_GATEWAY_PUBLIC_HOST: must be the name of a host, with a port or without",
        ),
        (
            {"CODEX_EXEC_GATEWAY_INTERNAL_URL": ""},
            (
                "CODEX_EXEC_GATEWAY_PUBLIC_HOST: must be left out without a URL in "
                "CODEX_EXEC_GATEWAY_INTERNAL_URL"
            ),
        ),
        (
            {"CODEX_EXEC_GATEWAY_INTERNAL_URL": "off"},
            (
                "CODEX_EXEC_GATEWAY_PUBLIC_HOST: must be left out without a URL in "
                "CODEX_EXEC_GATEWAY_INTERNAL_URL"
            ),
        ),
        (
            {"CODEX_EXEC_GATEWAY_INTERNAL_URL": "gateway:6060"},
            (
                "CODEX_EXEC_GATEWAY_INTERNAL_URL: must be an http:// or https:// URL with a host, "
                "without user, query or fragment"
            ),
        ),
        (
            {"AGENTSERVER_INTERNAL_LISTEN": ""},
            (
                "CODEX_EXEC_GATEWAY_INTERNAL_URL: needs --internal-listen, where the gateway asks "
                "who an executor is"
            ),
        ),
        (
            {"INTERNAL_API_SECRET": ""},
            "INTERNAL_API_SECRET: is required with --internal-listen",
        ),
    ],
)
def test_a_gateway_that_is_half_set_up_stops_the_start(changes: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(WHOLE | changes)
    assert str(refused.value) == said
