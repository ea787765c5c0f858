"""The proxy by which what runs in a sandbox calls the clusters of its workspace."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import httpx
import pytest
import yaml
from authority import Authority
from calling import add_caller
from cluster_callers import SECONDS, SECRET, Proxy, opened, proxy_of
from cluster_stand_in import HOST, PODS, Asked, ClusterStandIn, answer, cluster_stand_in, kubeconfig
from openid_provider import OpenIDProvider, openid_provider
from people import ReferenceServer, error_of, ok
from starlette.responses import JSONResponse, PlainTextResponse, Response

from agentserver_reference.gateways.clusters import remote
from agentserver_reference.logs import LOGGER
from agentserver_reference.services import cluster_calls
from agentserver_reference.storage import credential_bindings

pytestmark = pytest.mark.anyio

NAME = "k8s.example.com"
ENDED = "the login at the OpenID provider has ended: create the credential again"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def cluster(authority: Authority) -> AsyncIterator[ClusterStandIn]:
    async with cluster_stand_in(authority) as made:
        yield made


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReferenceServer]:
    async with opened(tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture
async def proxy(server: ReferenceServer, cluster: ClusterStandIn) -> Proxy:
    return await proxy_of(server, cluster)


# --- what is passed on ----------------------------------------------------------------------------


async def test_the_credential_takes_the_place_of_the_sandboxs_token(proxy: Proxy) -> None:
    binding = await proxy.keep()
    query = "labelSelector=a%3Db%2Cc&limit=5"
    found = ok(await proxy.ask(binding, f"/api/v1/namespaces/a%2Fb/pods?{query}"))
    assert found.content == PODS
    assert found.headers["content-type"] == "application/json"
    (asked,) = proxy.cluster.asked
    assert (asked.method, asked.target) == ("GET", f"/api/v1/namespaces/a%2Fb/pods?{query}")
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.headers["host"] == f"{HOST}:{proxy.cluster.port}"
    assert proxy.caller.token not in asked.head


@pytest.mark.parametrize("person", ["agentserver-sandbox", "ada"])
async def test_kubectl_over_plain_http_shows_the_token_as_that_of_whom_it_impersonates(
    proxy: Proxy, person: str
) -> None:
    path = f"/k8s/{await proxy.keep()}/version"
    headers = {
        "Impersonate-User": person,
        "Impersonate-Extra-Agentserver-Token": proxy.caller.token,
        "Impersonate-Extra-Reason": "audit",
    }
    ok(await proxy.server.client.get(path, headers=headers))
    # Also if the token is shown in another way.
    ok(await proxy.ask(path.split("/")[2], headers=headers))
    for asked in proxy.cluster.asked:
        assert asked.headers["authorization"] == f"Bearer {SECRET}"
        assert asked.headers.get("impersonate-user") == (person if person == "ada" else None)
        assert asked.headers["impersonate-extra-reason"] == "audit"
        assert proxy.caller.token not in asked.head
    headers["Impersonate-Extra-Agentserver-Token"] = "other"
    assert (await proxy.server.client.get(path, headers=headers)).status_code == 401


async def test_the_token_may_be_the_password(proxy: Proxy) -> None:
    binding = await proxy.keep()
    path = f"/k8s/{binding}/version"
    ok(await proxy.server.client.get(path, auth=("sandbox", proxy.caller.token)))
    assert proxy.cluster.asked[0].headers["authorization"] == f"Bearer {SECRET}"
    assert (await proxy.server.client.get(path, auth=("sandbox", "other"))).status_code == 401
    for broken in (b"***", b"A", b"\xff"):
        headers = {"Authorization": b"Basic " + broken}
        assert (await proxy.server.client.get(path, headers=headers)).status_code == 401


async def test_headers_of_the_connection_and_of_the_caller_are_not_passed_on(proxy: Proxy) -> None:
    dropped = {
        "Connection": "keep-alive, X-Named",
        "X-Named": "1",
        "Keep-Alive": "timeout=5",
        "Proxy-Authorization": "Basic x",
        "TE": "trailers",
        "Cookie": "agentserver-token=x",
    }
    kept = {
        "Accept": "application/json;as=Table",
        "X-Stream-Protocol-Version": "v4",
        "User-Agent": "k",
    }
    ok(await proxy.ask(await proxy.keep(), headers={**dropped, **kept}))
    (asked,) = proxy.cluster.asked
    for name in dropped:
        assert asked.headers.get(name.lower()) in (None, "keep-alive"), name
    for name, value in kept.items():
        assert asked.headers[name.lower()] == value


async def test_of_an_answer_status_headers_and_body_are_passed_on_but_no_cookie(
    proxy: Proxy,
) -> None:
    proxy.cluster.respond = answer(
        "403 Forbidden",
        b"\x1f\x8bnot unpacked",
        "warning: 299",
        "set-cookie: a=b",
        "content-encoding: identity",
    )
    refused = await proxy.ask(await proxy.keep())
    assert (refused.status_code, refused.content) == (403, b"\x1f\x8bnot unpacked")
    assert refused.headers["warning"] == "299"
    assert "set-cookie" not in refused.headers
    assert refused.headers["x-request-id"]


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_of_kubernetes_is_passed_on(proxy: Proxy, method: str) -> None:
    body = {} if method in ("HEAD", "OPTIONS") else {"content": b'{"a":1}'}
    headers = {"Content-Type": "application/merge-patch+json"}
    found = ok(await proxy.ask(await proxy.keep(), method=method, headers=headers, **body))
    (asked,) = proxy.cluster.asked
    assert (asked.method, asked.body) == (method, body.get("content", b""))
    assert asked.headers["content-type"] == "application/merge-patch+json"
    assert found.content == (b"" if method == "HEAD" else PODS)


async def test_the_path_of_a_clusters_address_comes_first_and_is_never_left(
    proxy: Proxy,
) -> None:
    server = f"{proxy.cluster.url}/clusters/c-1/"
    binding = await proxy.keep(proxy.cluster.kubeconfig(server=server, token=SECRET))
    for path in ("", "/", "/api//v1/"):
        ok(await proxy.ask(binding, path))
    assert [each.target for each in proxy.cluster.asked] == [
        "/clusters/c-1/",
        "/clusters/c-1/",
        "/clusters/c-1/api//v1/",
    ]
    for path in ("/%2e%2e/admin", "/a/..%2f..%2fadmin", "/a/%2E/b"):
        refused = await proxy.ask(binding, path)
        assert error_of(refused) == (400, "path: must not contain . or .."), path
    assert len(proxy.cluster.asked) == 3


@pytest.mark.parametrize(
    ("path", "location", "leads_to"),
    [
        ("/version/", "{cluster}/version?a=b", "/version?a=b"),
        ("/api/v1/services/s/proxy", "/api/v1/services/s/proxy/", "/api/v1/services/s/proxy/"),
        ("/api/v1/services/s/proxy/", "../x:y#z", "/api/v1/services/s/x:y#z"),
        ("/", "{cluster}/healthz", "/healthz"),
        ("/version", "https://elsewhere.example.com/", None),
    ],
)
async def test_a_redirect_leads_through_the_server_if_it_leads_to_the_cluster(
    proxy: Proxy, path: str, location: str, leads_to: str | None
) -> None:
    location = location.replace("{cluster}", proxy.cluster.url)
    proxy.cluster.respond = answer("307 Temporary Redirect", b"", f"location: {location}")
    binding = await proxy.keep()
    led = await proxy.ask(binding, path)
    found = led.request.url.join(led.headers["location"])
    own = proxy.server.client.base_url.join(f"/k8s/{binding}{leads_to}")
    assert str(found) == (location if leads_to is None else str(own))


# --- streams --------------------------------------------------------------------------------------


async def test_a_watch_is_passed_on_line_by_line_and_ends_when_the_client_leaves(
    proxy: Proxy,
) -> None:
    more = asyncio.Event()

    async def watch(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n1\n\r\n")
        await writer.drain()
        await more.wait()
        writer.write(b"2\r\n2\n\r\n")

    proxy.cluster.respond = watch
    request = proxy.request(await proxy.keep(), "/api/v1/pods?watch=true")
    async with asyncio.timeout(SECONDS):
        response = await proxy.server.client.send(request, stream=True)
        lines = response.aiter_lines()
        assert await anext(lines) == "1"
        assert not more.is_set()
        more.set()
        assert await anext(lines) == "2"
        assert not proxy.cluster.left.is_set()
        await response.aclose()
        await proxy.cluster.left.wait()


ENDS = {
    "paused": "sandbox not active",
    "deleted": "invalid token",
    "credential deleted": "credential not found",
}


@pytest.mark.parametrize("how", ENDS)
async def test_an_open_watch_ends_with_the_permission_which_is_no_error_of_the_server(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    async def watch(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n1\n\r\n")

    caplog.set_level(logging.INFO, LOGGER)
    monkeypatch.setattr(cluster_calls, "LOOK_AGAIN", 0.01)
    proxy.cluster.respond = watch
    binding = await proxy.keep()
    async with asyncio.timeout(SECONDS):
        request = proxy.request(binding, "/api/v1/pods?watch=true")
        response = await proxy.server.client.send(request, stream=True)
        lines = response.aiter_lines()
        assert await anext(lines) == "1"
        if how == "paused":
            await proxy.change_state("paused")
        else:
            credential = f"/api/workspaces/{proxy.caller.workspace_id}/credentials/k8s/{binding}"
            gone = proxy.caller.path if how == "deleted" else credential
            ok(await proxy.owner.request("DELETE", gone))
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(lines)
        await proxy.cluster.left.wait()
    ours = [each for each in caplog.records if each.name.startswith(LOGGER)]
    assert [each for each in ours if each.levelname == "ERROR"] == []
    said = [line for each in ours if (line := vars(each)["event_fields"].get("broken_off"))]
    assert said == [ENDS[how]]


async def test_a_client_that_leaves_before_there_is_an_answer_ends_the_call(proxy: Proxy) -> None:
    began = asyncio.Event()

    async def never(_: Asked, __: asyncio.StreamWriter) -> None:
        began.set()

    proxy.cluster.respond = never
    asking = asyncio.create_task(proxy.ask(await proxy.keep()))
    async with asyncio.timeout(SECONDS):
        await began.wait()
        asking.cancel()
        await proxy.cluster.left.wait()


async def test_a_body_is_passed_on_while_it_arrives(proxy: Proxy) -> None:
    arrived: list[bytes] = []

    async def parts() -> AsyncIterator[bytes]:
        for number in range(3):
            part = f"part {number}".encode()
            yield part
            arrived.append(await proxy.cluster.arrived.get())

    async with asyncio.timeout(SECONDS):
        ok(await proxy.ask(await proxy.keep(), method="POST", content=parts()))
    assert arrived == [b"part 0", b"part 1", b"part 2"]
    assert proxy.cluster.asked[0].body == b"".join(arrived)


async def test_an_upload_that_the_client_breaks_off_ends_the_call(proxy: Proxy) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.Event().wait()

    asking = asyncio.create_task(proxy.ask(await proxy.keep(), method="POST", content=endless()))
    async with asyncio.timeout(SECONDS):
        assert await proxy.cluster.arrived.get() == b"begun"
        asking.cancel()
        await proxy.cluster.left.wait()


SPDY = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}


@pytest.mark.parametrize(("path", "asked"), [("/b/exec", ["/b/exec"]), ("/b/proxy", [])])
async def test_an_upgrade_that_is_no_websocket_is_refused_in_words(
    proxy: Proxy, path: str, asked: list[str]
) -> None:
    proxy.cluster.respond = answer("400 Bad Request", b"Upgrade request required")
    refused = await proxy.ask(await proxy.keep(), path, "POST", headers=SPDY)
    line = "only WebSockets are passed on, as kubectl sends them from 1.30 on (port-forward 1.31)"
    assert error_of(refused) == (501, line)
    assert yaml.safe_load(line) == line, "kubectl shows only what is no object"
    assert [each.target for each in proxy.cluster.asked] == asked
    assert all("upgrade" not in each.headers for each in proxy.cluster.asked)


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found"])
async def test_what_a_cluster_has_against_an_upgrade_is_passed_on(
    proxy: Proxy, status: str
) -> None:
    proxy.cluster.respond = answer(status, b"not you")
    refused = await proxy.ask(await proxy.keep(), "/b/exec", "POST", headers=SPDY)
    assert (refused.status_code, refused.content) == (int(status[:3]), b"not you")


# --- who may --------------------------------------------------------------------------------------


async def test_only_the_token_of_a_sandbox_that_runs_opens_the_proxy(proxy: Proxy) -> None:
    binding = await proxy.keep()
    session = {"Cookie": proxy.owner.cookie}
    path = f"/k8s/{binding}/api"
    client = proxy.server.client
    for headers in ({}, session, {"Authorization": "Bearer other"}, {"Authorization": "Bearer"}):
        refused = await client.get(path, headers=headers)
        assert error_of(refused) == (401, "invalid token"), headers
    for status, expected in {
        "creating": 200,
        "pausing": 403,
        "paused": 403,
        "resuming": 403,
        "offline": 403,
        "running": 200,
    }.items():
        await proxy.change_state(status)
        assert (await proxy.ask(binding)).status_code == expected, status
    assert len(proxy.cluster.asked) == 2


async def test_a_sandbox_calls_the_clusters_of_its_own_workspace_only(proxy: Proxy) -> None:
    binding = await proxy.keep()
    stranger = await add_caller(proxy.server, proxy.owner, uuid4().hex)
    refused = await attrs.evolve(proxy, caller=stranger).ask(binding)
    assert error_of(refused) == (404, "credential not found")
    for unknown in ("x", "A" * 22, "A" * 300, "%00"):
        assert (await proxy.ask(unknown)).status_code == 404, unknown
    assert proxy.cluster.asked == []


async def test_a_deleted_credential_opens_nothing(proxy: Proxy) -> None:
    binding = await proxy.keep()
    path = f"/api/workspaces/{proxy.caller.workspace_id}/credentials/k8s/{binding}"
    ok(await proxy.owner.request("DELETE", path))
    assert (await proxy.ask(binding)).status_code == 404
    assert proxy.cluster.connections == 0


async def test_a_call_is_a_sign_of_activity(proxy: Proxy) -> None:
    binding = await proxy.keep()
    proxy.server.clock.advance(minutes=7)
    ok(await proxy.ask(binding))
    shown = await proxy.owner.read(proxy.caller.path)
    assert shown["last_activity_at"] == proxy.server.clock().strftime("%Y-%m-%dT%H:%M:%SZ")


# --- what proves who one is -----------------------------------------------------------------------


async def test_a_client_certificate_is_shown_and_no_connection_is_shared_with_another_one(
    server: ReferenceServer, authority: Authority
) -> None:
    async with cluster_stand_in(authority, asks_for_certificate=True) as cluster:
        proxy = await proxy_of(server, cluster)
        for name in ("grace", "ada"):
            config = cluster.of_person(authority.issue(name))
            ok(await proxy.ask(await proxy.keep(config, name)))
        assert [each.person for each in cluster.asked] == ["grace", "ada"]
        assert all("authorization" not in each.head.lower() for each in cluster.asked)
        without = await proxy.ask(await proxy.keep(name="token only"))
        assert error_of(without) == (502, "the cluster cannot be reached")


async def test_connections_are_kept(proxy: Proxy) -> None:
    binding = await proxy.keep()
    for _ in range(3):
        ok(await proxy.ask(binding))
    assert proxy.cluster.connections == 1


@asynccontextmanager
async def signed_in(proxy: Proxy) -> AsyncIterator[tuple[OpenIDProvider, str]]:
    """An OpenID provider, and a credential whose login there is approved."""
    async with openid_provider(proxy.server) as provider:
        name, arguments = "Signed in", proxy.cluster.kubeconfig()
        user = yaml.safe_load(provider.kubeconfig())["users"][0]["user"]
        config = json.loads(arguments) | {"users": [{"name": "u", "user": user}]}
        path = f"/api/workspaces/{proxy.caller.workspace_id}/credentials/k8s"
        body = {"display_name": name, "config": json.dumps(config)}
        login = ok(await proxy.owner.request("POST", path, body)).json()
        await provider.decide(login["user_code"], proxy.owner.id, proxy.caller.workspace_id)
        completed = f"{path}/{login['id']}/device-complete"
        proxy.server.clock.advance(seconds=5)
        ok(await proxy.owner.request("POST", completed))
        provider.asked.clear()
        yield provider, login["id"]


def sent(proxy: Proxy) -> list[str]:
    """The tokens that the cluster was shown."""
    return [each.headers["authorization"].removeprefix("Bearer ") for each in proxy.cluster.asked]


async def test_of_a_login_the_id_token_is_shown_and_otherwise_the_access_token(
    proxy: Proxy,
) -> None:
    async with signed_in(proxy) as (provider, binding):
        ok(await proxy.ask(binding))
        assert provider.asked == []
        provider.tokens = {"id_token": "an-id-token"}
        proxy.server.clock.advance(days=1)
        for _ in range(2):
            ok(await proxy.ask(binding))
        first, *others = sent(proxy)
        assert others == ["an-id-token"] * 2 != [first] * 2


async def test_a_login_is_refreshed_once_for_many_callers_and_kept_encrypted(
    proxy: Proxy,
) -> None:
    async with signed_in(proxy) as (provider, binding):
        proxy.server.clock.advance(days=1)
        for answer in await asyncio.gather(*(proxy.ask(binding) for _ in range(8))):
            ok(answer)
        (asked,) = provider.asked
        assert asked["grant_type"] == "refresh_token"
        (token,) = set(sent(proxy))
        assert len(sent(proxy)) == 8
        row = await proxy.server.store.read(
            credential_bindings.find_whole, proxy.caller.workspace_id, "k8s", binding
        )
        assert row is not None
        assert row["refreshing_until"] is None
        place = {"row": binding, "column": credential_bindings.SECRET_COLUMN}
        kept = json.loads(proxy.server.context.cipher.decrypt(row["secret_encrypted"], **place))
        assert kept["access_token"] == token
        assert kept["refresh_token"] != asked["refresh_token"], "the old one is used up"
        assert token not in str(row)
        # And what is kept can be refreshed again.
        proxy.server.clock.advance(days=1)
        ok(await proxy.ask(binding))
        assert len(provider.asked) == 2


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (PlainTextResponse(SECRET, 500), "the OpenID provider cannot be reached"),
        (JSONResponse({"error": "invalid_grant", "error_description": SECRET}, 400), ENDED),
    ],
)
async def test_a_login_that_cannot_be_refreshed_says_so_and_is_not_lost(
    proxy: Proxy, answer: Response, line: str
) -> None:
    async with signed_in(proxy) as (provider, binding):
        proxy.server.clock.advance(days=1)
        provider.instead = answer
        answers = await asyncio.gather(*(proxy.ask(binding) for _ in range(3)))
        assert {each.status_code for each in answers} == {502}
        assert line in {error_of(each)[1] for each in answers}
        assert proxy.cluster.asked == []
        provider.instead = None
        ok(await proxy.ask(binding))


async def test_of_too_many_certificates_the_connections_of_the_oldest_are_closed(
    proxy: Proxy, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MOST_KEPT", 0)
    for name in ("grace", "ada"):
        ok(await proxy.ask(await proxy.keep(proxy.cluster.of_person(authority.issue(name)), name)))
    async with asyncio.timeout(SECONDS):
        await proxy.cluster.left.wait()


# --- what fails -----------------------------------------------------------------------------------


async def test_a_cluster_of_another_authority_is_not_told_the_credential(
    proxy: Proxy, tmp_path: Path
) -> None:
    other = Authority(tmp_path)
    config = attrs.evolve(proxy.cluster, authority=other).kubeconfig(token=SECRET)
    unknown = kubeconfig({"server": proxy.cluster.url}, {"token": SECRET})
    for number, each in enumerate((config, unknown)):
        refused = await proxy.ask(await proxy.keep(each, f"cluster {number}"))
        assert error_of(refused) == (502, "the cluster cannot be reached")
    assert proxy.cluster.asked == []


@pytest.mark.parametrize(
    ("respond", "line"),
    [
        (answer("401 Unauthorized", SECRET.encode()), "the cluster refused the credential"),
        (None, "the cluster gave an answer that was not understood"),
    ],
)
async def test_a_failure_is_told_in_the_servers_words(
    proxy: Proxy, caplog: pytest.LogCaptureFixture, respond: Any, line: str
) -> None:
    async def nonsense(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{SECRET}\r\n\r\n".encode())

    proxy.cluster.respond = respond or nonsense
    with caplog.at_level(logging.DEBUG):
        refused = await proxy.ask(await proxy.keep(), f"/api?{SECRET}")
    assert error_of(refused) == (502, line)
    logged = [each.getMessage() + str(each.__dict__) for each in caplog.records]
    ours = [text for text in logged if "agentserver_reference" in text]
    assert SECRET not in "".join(ours)


async def test_certificates_that_are_none_are_said_to_be_unreadable(proxy: Proxy) -> None:
    user = {"client-certificate-data": "YQ==", "client-key-data": "Yg=="}
    refused = await proxy.ask(await proxy.keep(proxy.cluster.kubeconfig(**user)))
    assert error_of(refused) == (502, "the certificates of the credential cannot be read")


async def test_an_answer_that_breaks_off_is_not_mistaken_for_the_whole(proxy: Proxy) -> None:
    async def break_off(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
        await writer.drain()
        writer.close()

    proxy.cluster.respond = break_off
    with pytest.raises(httpx.RemoteProtocolError):
        await proxy.ask(await proxy.keep())


async def test_a_name_that_leads_into_a_private_network_is_refused_when_it_is_connected_to(
    server: ReferenceServer,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        return found("127.0.0.1" if host == NAME else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with cluster_stand_in(authority, host=NAME) as cluster:
        async with opened(tmp_path, private_addresses_allowed=False) as other:
            proxy = await proxy_of(other, cluster)
            refused = await proxy.ask(await proxy.keep())
            assert error_of(refused) == (502, "the cluster cannot be reached")
            assert cluster.connections == 0
        proxy = await proxy_of(server, cluster)
        ok(await proxy.ask(await proxy.keep()))
