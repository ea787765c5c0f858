"""Executors: registered whole or not at all, connected once a proof, and cut when revoked."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from databases import KEY
from joserfc import jwt
from joserfc.jwk import KeySet
from listening import SECONDS
from machines import USER_AGENT, Machine, Site, claims_of, running, sign_up, site, until
from people import error_of, ok, start_server
from processes import serving_processes
from sqlalchemy import select
from timeline import Timeline
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentserver_reference.domain import agent_identity
from agentserver_reference.domain.cipher import Cipher
from agentserver_reference.domain.executors import connect_command, version_and_system
from agentserver_reference.services import executor_connections
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings
from agentserver_reference.storage import signing_keys, tables
from agentserver_reference.storage.engine.query import Query

pytestmark = pytest.mark.anyio

TAKEN = (409, "an executor of this workspace has that name")


@pytest.fixture
async def here(settings: Settings) -> AsyncIterator[Site]:
    async with site(settings) as opened:
        yield opened


async def stored(here: Site, table: Any) -> list[dict[str, Any]]:
    return await here.context.store.read(lambda conn: Query(select(*table.columns)).all(conn))


# --- registering ----------------------------------------------------------------------------------


async def test_the_identity_is_signed_and_its_private_key_is_not_kept(here: Site) -> None:
    body = {"name": "build.machine-1_x", "description": "Größe"}
    made = ok(await here.owner.request("POST", here.path, body)).json()
    keys = ok(await here.client.get("/codex-auth/agent-identities/jwks")).json()
    (public,) = keys["keys"]
    assert public.keys() == {"kty", "n", "e", "kid", "use", "alg"}
    checked = jwt.decode(made["agent_identity_jwt"], KeySet.import_key_set(keys), ["RS256"])
    now = int(here.timeline.now.timestamp())
    private = checked.claims.pop("agent_private_key")
    assert checked.header == {"alg": "RS256", "typ": "JWT", "kid": f"rsa-{public['n'][:16]}"}
    assert checked.claims == {
        "iss": "https://chatgpt.com/codex-backend/agent-identity",
        "aud": "codex-app-server",
        "iat": now,
        "exp": now + 30 * 24 * 3600,
        "agent_runtime_id": made["exe_id"],
        "account_id": here.owner.id,
        "chatgpt_user_id": here.owner.id,
        "email": here.owner.email,
        "plan_type": "pro",
        "chatgpt_account_is_fedramp": False,
    }
    assert made["connect_commands"] == {"agent_identity": made["connect_command"]}
    assert made["agent_identity_jwt"] in made["connect_command"]
    (row,) = await here.list()
    assert row == {"exe_id": made["exe_id"], **body, "is_default": False, "is_online": False}
    for table in (tables.executors, tables.executor_identities):
        assert private not in str(await stored(here, table))


async def test_the_key_that_signs_is_encrypted_and_stays_the_same(
    here: Site, settings: Settings
) -> None:
    await asyncio.gather(*(here.register(f"e{number}") for number in range(4)))
    (row,) = await stored(here, tables.signing_keys)
    assert "PRIVATE KEY" not in row["private_key_encrypted"]
    cipher = Cipher(bytes.fromhex(KEY))
    private = cipher.decrypt(
        row["private_key_encrypted"], row=row["id"], column=signing_keys.COLUMN
    )
    assert private.startswith("-----BEGIN PRIVATE KEY-----")
    shown = ok(await here.client.get("/codex-auth/agent-identities/jwks")).json()["keys"]
    assert shown == [agent_identity.SigningKey(row["id"], private).public_jwk()]


@pytest.mark.parametrize("name", ["", "a b", "ä", "a\n", "a" * 65, "a/b", "a'b"])
async def test_a_name_that_no_shell_would_take_is_refused(here: Site, name: str) -> None:
    refused = error_of(await here.owner.request("POST", here.path, {"name": name}))
    assert refused[0] == 400
    assert refused[1].startswith("name: ")


def test_every_value_of_the_command_is_quoted() -> None:
    command = connect_command(
        token="t", issuer="http://h'x/codex-auth", remote="http://h'x", executor_id="e", name="n"
    )
    url = "'http://h'\"'\"'x'"
    issuer = url[:-1] + "/codex-auth'"
    assert command.splitlines() == [
        "export CODEX_ACCESS_TOKEN='t'",
        (
            f"export CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL={issuer}"
            f" CODEX_AGENT_IDENTITY_JWKS_BASE_URL={issuer}"
        ),
        (
            f"codex -c chatgpt_base_url={issuer} exec-server --remote {url}"
            " --environment-id 'e' --name 'n' --use-agent-identity-auth"
        ),
    ]


async def test_without_a_gateway_there_are_no_executors(settings: Settings) -> None:
    off = {"codex_exec_gateway_internal_url": "off"}
    async with start_server(settings, **off) as server:
        owner = await server.create_user("owner@example.com")
        path = f"/api/workspaces/{await owner.create_workspace()}/executors"
        for method, where, body in (
            ("GET", path, None),
            ("POST", path, {"name": "build"}),
            ("DELETE", f"{path}/x", None),
        ):
            refused = await owner.request(method, where, body)
            assert error_of(refused) == (503, "executors not configured")
        for where in ("/codex-auth/agent-identities/jwks", "/codex-exec/x"):
            assert error_of(await owner.get(where)) == (404, "not found")


# --- connecting -----------------------------------------------------------------------------------


async def is_online(here: Site, machine: Machine) -> bool:
    (row,) = [each for each in await here.list() if each["exe_id"] == machine.id]
    online: bool = row["is_online"]
    return online


async def test_a_machine_with_the_command_is_online_until_it_leaves(here: Site) -> None:
    machine = await here.register()
    async with machine.connecting(await machine.ticket()) as socket:
        await socket.send(b"what nobody waits for")
        (row,) = await here.list()
        assert row == {
            "exe_id": machine.id,
            "name": "build",
            "description": "",
            "is_default": False,
            "is_online": True,
            "last_seen_at": "2026-11-23T10:00:00Z",
            "client_ip": "127.0.0.1",
            "client_ua": USER_AGENT,
            "codex_version": "0.140.0",
            "os": "Debian",
            "connected_at": "2026-11-23T10:00:00Z",
        }
        here.timeline.now += timedelta(seconds=30)

    async def is_offline() -> bool:
        return not await is_online(here, machine)

    await until(is_offline)
    (row,) = await here.list()
    assert row["disconnected_at"] == "2026-11-23T10:00:30Z"


async def test_it_stays_online_as_long_as_its_server_is_there(here: Site) -> None:
    machine = await here.register()
    async with machine.connecting(await machine.ticket()):
        for _ in range(5):
            await here.timeline.advance(50)
            assert await is_online(here, machine)
        (row,) = await here.list()
        assert row["connected_at"] < row["last_seen_at"]
        assert "disconnected_at" not in row
        here.timeline.now += timedelta(seconds=61)  # as if the server had died
        assert not await is_online(here, machine)


async def test_the_older_path_of_codex_is_served_too(here: Site) -> None:
    machine = await here.register()
    assertion = machine.assertion(await machine.task())
    answer = ok(await machine.ask_for_ticket(assertion, path="executor")).json()
    assert {answer[name] for name in ("id", "executor_id", "environment_id")} == {machine.id}
    async with machine.connecting(answer["url"]):
        assert await is_online(here, machine)


async def refused_socket(machine: Machine, url: str) -> tuple[int, bytes | None]:
    with pytest.raises(InvalidStatus) as refused:
        async with machine.connecting(url):
            pass
    return refused.value.response.status_code, refused.value.response.body


def unauthorized(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()) == (401, {"error": "unauthorized"})


async def test_an_assertion_and_a_ticket_are_used_once(here: Site) -> None:
    machine = await here.register()
    assertion = machine.assertion(await machine.task())
    url = ok(await machine.ask_for_ticket(assertion)).json()["url"]
    assert unauthorized(await machine.ask_for_ticket(assertion))
    here.timeline.now += timedelta(minutes=1)
    await executor_connections.remove_expired(UnitOfWork(here.context))
    assert unauthorized(await machine.ask_for_ticket(assertion))
    async with machine.connecting(url):
        assert await refused_socket(machine, url) == (401, b"unauthorized\n")
        assert await is_online(here, machine)
    assert await refused_socket(machine, url) == (401, b"unauthorized\n")


async def test_an_assertion_is_used_once_also_at_the_same_time(here: Site) -> None:
    machine = await here.register()
    assertion = machine.assertion(await machine.task())
    answers = await asyncio.gather(*(machine.ask_for_ticket(assertion) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]


async def test_what_does_not_prove_the_executor_is_refused(here: Site) -> None:
    machine, other = await here.register("a"), await here.register("b")
    task, of_other = await machine.task(), await other.task()
    token = claims_of(machine.command.split("'")[1])["agent_private_key"]
    wrong = [
        "",
        "Bearer any",
        "AgentAssertion",
        "AgentAssertion !",
        f"AgentAssertion {base64.urlsafe_b64encode(b'[]').decode()}",
        f"AgentAssertion {token}",
        machine.assertion(f"task_{'0' * 64}"),
        machine.assertion(of_other),
        machine.assertion(task, signature=machine.sign("x")),
        machine.assertion(task, signature="x"),
        machine.assertion(task, agent_runtime_id=other.id),
        machine.assertion(task, timestamp=machine.moment(301)),
        machine.assertion(task, timestamp=machine.moment(-301)),
        machine.assertion(task, timestamp="yesterday"),
        other.assertion(of_other),
    ]
    for assertion in wrong:
        assert unauthorized(await machine.ask_for_ticket(assertion)), assertion
    ok(await machine.ask_for_ticket(machine.assertion(task, timestamp=machine.moment(300))))


async def test_a_ticket_opens_its_own_executor_for_five_minutes(here: Site) -> None:
    machine, other = await here.register("a"), await here.register("b")
    url = await machine.ticket()
    for wrong in (url.replace(machine.id, other.id), url[:-1], url.partition("?")[0]):
        assert (await refused_socket(machine, wrong))[0] == 401
    here.timeline.now += timedelta(minutes=5)
    assert (await refused_socket(machine, url))[0] == 401
    assert (await here.client.get(f"/codex-exec/{machine.id}")).status_code == 426


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"timestamp": "yesterday"}, (400, "bad timestamp")),
        ({"timestamp": "2026-11-23T10:00:00"}, (400, "bad timestamp")),
        ({"signature": "!"}, (400, "bad signature base64")),
        ({"signature": ""}, (401, "signature invalid")),
        ({"timestamp": "2026-11-23T09:54:59Z"}, (401, "timestamp stale")),
        ({"timestamp": "2026-11-23T10:05:01Z"}, (401, "timestamp stale")),
    ],
)
async def test_a_task_is_given_to_who_signs_for_it(
    here: Site, changes: dict[str, str], refusal: tuple[int, str]
) -> None:
    machine = await here.register()
    assert error_of(await machine.ask_for_task(**changes)) == refusal
    issuer = f"/codex-auth/v1/agent/{machine.id}/task/register"
    assert error_of(await here.client.post(issuer, content=b"{")) == (400, "bad body")
    unknown = issuer.replace(machine.id, "exe_unknown")
    body = {"timestamp": machine.moment(), "signature": ""}
    assert error_of(await here.client.post(unknown, json=body)) == (404, "unknown agent")


async def closed(socket: Any) -> int:
    """With which code the server closes it."""
    async with asyncio.timeout(SECONDS):
        with pytest.raises(ConnectionClosed) as ended:
            await socket.recv()
    assert ended.value.rcvd is not None
    return ended.value.rcvd.code


async def test_of_two_connections_the_newer_one_remains(here: Site) -> None:
    machine = await here.register()
    async with machine.connecting(await machine.ticket()) as old:
        here.timeline.now += timedelta(seconds=1)
        async with machine.connecting(await machine.ticket()) as new:
            assert await closed(old) == 1000
            await here.timeline.advance(10)
            await new.send(b"still here")
            assert await is_online(here, machine)
            assert "disconnected_at" not in (await here.list())[0]


# --- what ends an identity ------------------------------------------------------------------------


async def _unbind(here: Site, machine: Machine, maker_id: str) -> None:
    await here.unbind(machine.id)


async def _remove_member(here: Site, machine: Machine, maker_id: str) -> None:
    members = f"/api/workspaces/{here.workspace_id}/members"
    ok(await here.owner.request("DELETE", f"{members}/{maker_id}"))


async def _demote(here: Site, machine: Machine, maker_id: str) -> None:
    member = f"/api/workspaces/{here.workspace_id}/members/{maker_id}"
    ok(await here.owner.request("PUT", member, {"role": "developer"}))


async def _delete_workspace(here: Site, machine: Machine, maker_id: str) -> None:
    ok(await here.owner.request("DELETE", f"/api/workspaces/{here.workspace_id}"))


async def _expire(here: Site, machine: Machine, maker_id: str) -> None:
    here.timeline.now += timedelta(days=30)


ENDS = [_unbind, _remove_member, _demote, _delete_workspace, _expire]


@pytest.mark.parametrize("end", ENDS)
async def test_whatever_ends_an_identity_cuts_it_off_within_five_seconds_in_every_process(
    settings: Settings, end: Callable[[Site, Machine, str], Awaitable[None]]
) -> None:
    timeline = Timeline()
    async with site(settings, timeline) as here:
        maker = await here.add_member("maker@example.com", "maintainer")
        machine, spared = await here.register("a", maker), await here.register("b")
        if settings.is_postgresql:
            async with running(settings, timeline) as (client, _):
                await _cut(here, client, machine, spared, end, maker.id)
        else:  # one process has the file
            await _cut(here, here.client, machine, spared, end, maker.id)


async def _cut(
    here: Site,
    client: httpx.AsyncClient,
    machine: Machine,
    spared: Machine,
    end: Callable[[Site, Machine, str], Awaitable[None]],
    maker_id: str,
) -> None:
    """The machines are connected through this client's server, and revoked through the site's."""
    for each in (machine, spared):
        each.command = each.command.replace(
            str(here.client.base_url).rstrip("/"), str(client.base_url).rstrip("/")
        )
        each.client = client
    task, url = await machine.task(), await machine.ticket()
    async with (
        machine.connecting(await machine.ticket()) as socket,
        spared.connecting(await spared.ticket()) as kept,
    ):
        await here.timeline.settle()
        await end(here, machine, maker_id)
        assert error_of(await machine.ask_for_task()) == (404, "unknown agent")
        assert unauthorized(await machine.ask_for_ticket(machine.assertion(task)))
        assert (await refused_socket(machine, url))[0] == 401
        await here.timeline.advance(5)
        assert await closed(socket) == 1008
        await here.timeline.settle()  # that it is gone is written after its socket is closed
        if end in (_unbind, _remove_member, _demote):
            await kept.send(b"still here")
            assert await is_online(here, spared)
            names = ["b"] if end is _unbind else ["a", "b"]
            rows = await here.list()
            assert [row["name"] for row in rows] == names
            assert [row["is_online"] for row in rows][-1]
            assert not any(row["is_online"] for row in rows[:-1])


async def test_who_becomes_a_member_again_has_no_executors_from_before(here: Site) -> None:
    maker = await here.add_member("maker@example.com", "maintainer")
    machine = await here.register("a", maker)
    await _remove_member(here, machine, maker.id)
    members = f"/api/workspaces/{here.workspace_id}/members"
    ok(await here.owner.request("POST", members, {"email": maker.email, "role": "maintainer"}))
    assert error_of(await machine.ask_for_task()) == (404, "unknown agent")
    ok(await (await here.register("b", maker)).ask_for_task())


async def test_proofs_that_have_expired_are_removed(here: Site) -> None:
    machine = await here.register()
    await machine.ticket()
    assert len(await stored(here, tables.executor_proofs)) == 3
    for minutes, left in ((6, 2), (5, 1), (24 * 60, 0)):
        here.timeline.now += timedelta(minutes=minutes)
        await executor_connections.remove_expired(UnitOfWork(here.context))
        assert len(await stored(here, tables.executor_proofs)) == left


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (USER_AGENT, ("0.140.0", "Debian")),
        ("codex_cli_rs/0.150.1 (Mac OS 15.1; arm64) iTerm", ("0.150.1", "Mac")),
        ("codex-exec-server/0.171.0", ("0.171.0", None)),
        ("curl/8", (None, None)),
        ("", (None, None)),
    ],
)
def test_version_and_system_are_read_from_codex(
    user_agent: str, expected: tuple[str | None, str | None]
) -> None:
    assert version_and_system(user_agent) == expected


async def test_the_server_as_it_is_run_connects_executors(database_url: str) -> None:
    with serving_processes(database_url, 1) as (url,):
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
            owner = await sign_up(client, "owner@example.com")
            path = f"/api/workspaces/{await owner.create_workspace()}/executors"
            made = ok(await owner.request("POST", path, {"name": "build"})).json()
            timeline = Timeline()
            now = (await client.get("/health")).headers.get("date")
            assert now is not None
            timeline.now = parsedate_to_datetime(now)
            machine = Machine(made["connect_command"], client, timeline)
            async with machine.connecting(await machine.ticket()) as socket:
                assert (await owner.read(path))[0]["is_online"]
                ok(await owner.request("DELETE", f"{path}/{machine.id}"))
                assert await closed(socket) == 1008
