"""WebSockets that what runs in a sandbox opens to the clusters of its workspace."""

import asyncio
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from socket import getaddrinfo
from typing import Any

import anyio
import pytest
from authority import Authority
from cluster_callers import SECONDS, SECRET, Proxy, opened, proxy_of
from cluster_sockets import ClusterSockets, cluster_sockets, refusing
from cluster_stand_in import Asked, cluster_stand_in
from people import ReferenceServer, ok
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agentserver_reference.gateways.clusters import sockets
from agentserver_reference.http.socket_protocol import SocketProtocol
from agentserver_reference.replies import SocketClosed
from agentserver_reference.services import cluster_calls
from agentserver_reference.services import cluster_sockets as service

pytestmark = pytest.mark.anyio

EXEC = "/api/v1/namespaces/a/pods/b/exec"
PORT_FORWARD = "SPDY/3.1+portforward.k8s.io"
IN_A_SUBPROTOCOL = "base64url.bearer.authorization.k8s.io."


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def cluster(authority: Authority) -> AsyncIterator[ClusterSockets]:
    async with cluster_sockets(authority) as made:
        yield made


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReferenceServer]:
    async with opened(tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture
async def proxy(server: ReferenceServer, cluster: ClusterSockets) -> Proxy:
    return await proxy_of(server, cluster.config)


class _AnySubprotocol(ClientConnection):
    """Takes whatever is chosen, as kubectl does."""

    def __init__(self, protocol: Any, **options: Any) -> None:
        super().__init__(protocol, **options)
        protocol.process_subprotocol = lambda headers: headers.get("Sec-WebSocket-Protocol")


class _Connect(connect):
    """Follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def connecting(proxy: Proxy, binding: str, path: str = EXEC, **headers: str) -> connect:
    """Open a WebSocket to the cluster with the sandbox's token."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    path, _, query = path.partition("?")
    made = _Connect(
        f"{proxy.server.client.base_url}?{query}".replace("http", "ws", 1),
        additional_headers={"Authorization": f"Bearer {proxy.caller.token}"} | given,
        user_agent_header=None,
        create_connection=_AnySubprotocol,
        compression=None,
        proxy=None,
        open_timeout=SECONDS,
        close_timeout=SECONDS,
        max_size=None,
    )
    made.ws_uri.path = f"/k8s/{binding}{path}"  # as it is, which the library would not leave it
    return made


async def refusal(proxy: Proxy, binding: str | None = None, **headers: str) -> tuple[int, str]:
    """How opening one is refused."""
    with pytest.raises(InvalidStatus) as refused:
        await connecting(proxy, binding or await proxy.keep(), **headers)
    response = refused.value.response
    return response.status_code, (response.body or b"").decode().rstrip("\n")


async def ending(socket: ClientConnection | ServerConnection) -> tuple[int, str]:
    """With which code and reason the other end closes it."""
    async with asyncio.timeout(SECONDS):
        await socket.wait_closed()
    assert socket.protocol.close_rcvd is not None
    return socket.protocol.close_rcvd.code, socket.protocol.close_rcvd.reason


async def wait(socket: ServerConnection) -> None:
    """Say nothing, until the other end leaves."""
    await socket.wait_closed()


# --- how it is opened -----------------------------------------------------------------------------


async def test_text_and_bytes_go_both_ways(proxy: Proxy) -> None:
    async with asyncio.timeout(SECONDS), connecting(proxy, await proxy.keep()) as socket:
        for message in ("Größe", b"\x00\xff", "", b"", b"x" * sockets.MOST_BYTES):
            await socket.send(message)
            assert await socket.recv() == message


async def test_the_credential_takes_the_place_of_the_sandboxs_token(
    proxy: Proxy, cluster: ClusterSockets
) -> None:
    headers = {
        "User_Agent": "kubectl/v1.31.0",
        "X_Other": "kept",
        "Cookie": "agentserver-token=x",
        "Origin": str(proxy.server.client.base_url).rstrip("/"),
    }
    path = f"{EXEC}%2F;a?command=sh&command=-c&command=a%20b%3Bc&stdin=true"
    async with connecting(proxy, await proxy.keep(), path, **headers):
        pass
    (asked,) = cluster.asked
    assert asked.path == path.replace(";", "%3B", 1)
    assert asked.headers.get_all("Authorization") == [f"Bearer {SECRET}"]
    assert asked.headers.get_all("Host") == [f"{cluster.config.host}:{cluster.config.port}"]
    assert asked.headers["User-Agent"] == "kubectl/v1.31.0"
    assert asked.headers["X-Other"] == "kept"
    for name in ("Cookie", "Origin", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"):
        assert name not in asked.headers
    assert proxy.caller.token not in str(asked)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("v5.channel.k8s.io, v4.channel.k8s.io", "v4.channel.k8s.io"),
        (PORT_FORWARD, PORT_FORWARD),
        ("v4.channel.k8s.io", None),
    ],
)
async def test_the_cluster_chooses_the_subprotocol(
    proxy: Proxy, cluster: ClusterSockets, offered: str, chosen: str | None
) -> None:
    cluster.chooses = chosen
    binding = await proxy.keep()
    async with connecting(proxy, binding, Sec_WebSocket_Protocol=offered) as socket:
        assert socket.subprotocol == chosen
        assert cluster.asked[0].headers["Sec-WebSocket-Protocol"] == offered


@pytest.mark.parametrize("how", ["impersonated", "password", "subprotocol"])
async def test_the_token_is_found_where_kubernetes_takes_one_and_never_passed_on(
    proxy: Proxy, cluster: ClusterSockets, how: str
) -> None:
    token = proxy.caller.token.encode()
    encoded = urlsafe_b64encode(token).decode().rstrip("=")
    basic = f"Basic {b64encode(b'sandbox:' + token).decode()}"
    headers = {
        "impersonated": {
            "Authorization": "",
            "Impersonate_User": "agentserver-sandbox",
            "Impersonate_Extra_Agentserver_Token": proxy.caller.token,
        },
        "password": {"Authorization": basic},
        "subprotocol": {
            "Authorization": "",
            "Sec_WebSocket_Protocol": f"{IN_A_SUBPROTOCOL}{encoded}, v4.channel.k8s.io",
        },
    }
    async with connecting(proxy, await proxy.keep(), **headers[how]):
        pass
    (asked,) = cluster.asked
    assert asked.headers.get_all("Authorization") == [f"Bearer {SECRET}"]
    assert asked.headers.get("Sec-WebSocket-Protocol") == (
        "v4.channel.k8s.io" if how == "subprotocol" else None
    )
    assert "Impersonate-User" not in asked.headers
    for shown in (proxy.caller.token, encoded, basic):
        assert shown not in str(asked)


async def test_a_client_certificate_is_shown(server: ReferenceServer, authority: Authority) -> None:
    async with cluster_sockets(authority, asks_for_certificate=True) as cluster:
        proxy = await proxy_of(server, cluster.config)
        of_ada = await proxy.keep(cluster.config.of_person(authority.issue("ada")))
        async with connecting(proxy, of_ada):
            pass
        assert cluster.people == ["ada"]
        assert "Authorization" not in cluster.asked[0].headers
        without = await proxy.keep(name="token only")
        assert await refusal(proxy, without) == (502, "the cluster cannot be reached")


# --- who may --------------------------------------------------------------------------------------


async def test_only_the_token_of_a_sandbox_that_runs_opens_it(
    proxy: Proxy, cluster: ClusterSockets
) -> None:
    binding = await proxy.keep()
    for headers in (
        {"Authorization": "Bearer other"},
        {"Authorization": ""},
        {"Authorization": "", "Sec_WebSocket_Protocol": f"{IN_A_SUBPROTOCOL}***"},
        {"Authorization": "", "Sec_WebSocket_Protocol": f"{IN_A_SUBPROTOCOL}A"},
        {"Authorization": "", "Sec_WebSocket_Protocol": f"{IN_A_SUBPROTOCOL}ÿ"},
    ):
        assert await refusal(proxy, binding, **headers) == (401, "invalid token")
    assert await refusal(proxy, "x") == (404, "credential not found")
    assert (await refusal(proxy, binding, Origin="https://elsewhere.example.com"))[0] == 403
    await proxy.change_state("paused")
    assert await refusal(proxy, binding) == (403, "sandbox not active")
    assert cluster.asked == []


@pytest.mark.parametrize("how", ["paused", "deleted", "credential deleted"])
async def test_an_open_one_is_closed_with_the_permission(
    proxy: Proxy, cluster: ClusterSockets, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(cluster_calls, "LOOK_AGAIN", 0.01)
    cluster.converse = wait
    binding = await proxy.keep()
    async with asyncio.timeout(SECONDS), connecting(proxy, binding) as socket:
        there = await cluster.sockets.get()
        if how == "paused":
            await proxy.change_state("paused")
        else:
            credential = f"/api/workspaces/{proxy.caller.workspace_id}/credentials/k8s/{binding}"
            gone = proxy.caller.path if how == "deleted" else credential
            ok(await proxy.owner.request("DELETE", gone))
        code, reason = await ending(socket)
        assert code == 1008
        await there.wait_closed()
        assert (there.close_code, there.close_reason) == (1008, reason)
        assert reason in ("sandbox not active", "invalid token", "credential not found")


# --- what the cluster answers instead -------------------------------------------------------------


async def test_the_refusal_of_a_cluster_is_passed_on(
    proxy: Proxy, cluster: ClusterSockets, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps({"kind": "Status", "reason": "Forbidden"}).encode()
    headers = {"Content_Type": "application/json", "Warning": "299", "Set_Cookie": "a=b"}
    cluster.refusal = refusing(403, body, **headers)
    with pytest.raises(InvalidStatus) as refused:
        await connecting(proxy, await proxy.keep())
    response = refused.value.response
    assert (response.status_code, response.body) == (403, body)
    assert response.headers.get_all("Content-Type") == ["application/json"]
    assert response.headers.get_all("Content-Length") == [str(len(body))]
    assert response.headers["Warning"] == "299"
    assert response.headers["X-Request-Id"]
    assert "Set-Cookie" not in response.headers
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []


async def test_a_refused_credential_is_told_in_the_servers_words(
    proxy: Proxy, cluster: ClusterSockets
) -> None:
    cluster.refusal = refusing(401, SECRET.encode())
    assert await refusal(proxy) == (502, "the cluster refused the credential")


async def test_no_redirect_is_followed(proxy: Proxy, cluster: ClusterSockets) -> None:
    # One that leads to the cluster leads there through the server.
    elsewhere = (f"{cluster.config.url}/elsewhere", "../../../../../../elsewhere")
    for location, shown in (elsewhere, ("https://[", "https://[")):
        cluster.refusal = refusing(302, b"", Location=location)
        with pytest.raises(InvalidStatus) as refused:
            await connecting(proxy, await proxy.keep(name=location))
        assert refused.value.response.status_code == 302
        assert refused.value.response.headers["Location"] == shown
    assert len(cluster.asked) == 2


async def test_a_subprotocol_that_was_not_offered_is_not_understood(
    proxy: Proxy, cluster: ClusterSockets
) -> None:
    cluster.chooses = "v4.channel.k8s.io"
    line = "the cluster gave an answer that was not understood"
    for offered in ({}, {"Sec_WebSocket_Protocol": "v5.channel.k8s.io"}):
        assert await refusal(proxy, await proxy.keep(name=str(offered)), **offered) == (502, line)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (f"{SECRET}\r\n\r\n", "the cluster gave an answer that was not understood"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n",
            "the cluster gave an answer that was not understood",
        ),
        (
            "HTTP/1.1 103 Early Hints\r\ncontent-length: 0\r\n\r\n",
            "the cluster gave an answer that was not understood",
        ),
        ("", "the cluster cannot be reached"),
    ],
)
async def test_an_answer_that_is_none_is_told_in_the_servers_words(
    server: ReferenceServer, authority: Authority, said: str, line: str
) -> None:
    async def respond(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(said.encode())
        await writer.drain()
        writer.close()

    async with cluster_stand_in(authority) as cluster:
        cluster.respond = respond
        assert await refusal(await proxy_of(server, cluster)) == (502, line)


async def test_a_cluster_that_is_not_there_or_of_another_authority_cannot_be_reached(
    proxy: Proxy, cluster: ClusterSockets, tmp_path: Path
) -> None:
    nowhere = cluster.config.kubeconfig(server="https://localhost:1", token=SECRET)
    cluster.config.authority = Authority(tmp_path)
    for number, config in enumerate((nowhere, cluster.config.kubeconfig(token=SECRET))):
        binding = await proxy.keep(config, f"cluster {number}")
        assert await refusal(proxy, binding) == (502, "the cluster cannot be reached")
    assert cluster.asked == []


async def test_a_name_that_leads_into_a_private_network_is_not_connected_to(
    server: ReferenceServer, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, found = "k8s.example.com", getaddrinfo

    def find(host: Any, *arguments: Any, **named: Any) -> Any:
        return found("127.0.0.1" if host == name else host, *arguments, **named)

    monkeypatch.setattr("socket.getaddrinfo", find)
    async with cluster_sockets(authority, host=name) as cluster:
        async with opened(tmp_path, private_addresses_allowed=False) as other:
            refused = await refusal(await proxy_of(other, cluster.config))
            assert refused == (502, "the cluster cannot be reached")
            assert cluster.asked == []
        proxy = await proxy_of(server, cluster.config)
        async with connecting(proxy, await proxy.keep()):
            assert len(cluster.asked) == 1


# --- how it ends ----------------------------------------------------------------------------------

CODES = [(1000, ""), (1000, "done"), (1001, "away"), (1011, "ünable"), (4001, "moved")]


@pytest.mark.parametrize(("code", "reason"), CODES)
async def test_the_end_of_the_cluster_is_passed_on(
    proxy: Proxy, cluster: ClusterSockets, code: int, reason: str
) -> None:
    cluster.converse = partial(ServerConnection.close, code=code, reason=reason)
    async with connecting(proxy, await proxy.keep()) as socket:
        assert await ending(socket) == (code, reason)


@pytest.mark.parametrize(("code", "reason"), CODES)
async def test_the_end_of_the_client_is_passed_on(
    proxy: Proxy, cluster: ClusterSockets, code: int, reason: str
) -> None:
    cluster.converse = wait
    async with asyncio.timeout(SECONDS), connecting(proxy, await proxy.keep()) as socket:
        there = await cluster.sockets.get()
        await socket.close(code, reason)
        await there.wait_closed()
    assert (there.close_code, there.close_reason) == (code, reason)


async def test_a_cluster_that_breaks_off_is_not_mistaken_for_one_that_is_done(
    proxy: Proxy, cluster: ClusterSockets
) -> None:
    async def break_off(socket: ServerConnection) -> None:
        socket.transport.abort()

    cluster.converse = break_off
    async with connecting(proxy, await proxy.keep()) as socket:
        assert await ending(socket) == (1011, "")


async def test_a_client_that_breaks_off_ends_it(proxy: Proxy, cluster: ClusterSockets) -> None:
    cluster.converse = wait
    async with asyncio.timeout(SECONDS), connecting(proxy, await proxy.keep()) as socket:
        there = await cluster.sockets.get()
        socket.transport.abort()
        await there.wait_closed()


async def test_a_client_that_leaves_before_it_is_open_ends_the_call(
    server: ReferenceServer, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    began = asyncio.Event()

    async def never(_: Asked, __: asyncio.StreamWriter) -> None:
        began.set()

    async with asyncio.timeout(SECONDS), cluster_stand_in(authority) as cluster:
        cluster.respond = never
        proxy = await proxy_of(server, cluster)
        opening = asyncio.create_task(connecting(proxy, await proxy.keep()).connect())
        await began.wait()
        opening.cancel()
        await cluster.left.wait()
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []


async def test_what_a_cluster_says_before_it_leaves_is_passed_on(
    proxy: Proxy, cluster: ClusterSockets
) -> None:
    async def say(socket: ServerConnection) -> None:
        await socket.recv()
        for number in range(100):
            await socket.send(f"{number} {'x' * 10_000}")

    cluster.converse = say
    async with asyncio.timeout(SECONDS), connecting(proxy, await proxy.keep()) as socket:

        async def talk() -> None:
            with suppress(ConnectionClosed):
                while True:
                    await socket.send(b"x" * 10_000)

        talking = asyncio.create_task(talk())
        heard = [int(str(message).split()[0]) async for message in socket]
        await talking
    assert heard == [*range(100)]


async def test_a_message_that_is_too_long_ends_it(proxy: Proxy, cluster: ClusterSockets) -> None:
    async def say(socket: ServerConnection) -> None:
        await socket.send(b"x" * (sockets.MOST_BYTES + 1))
        await socket.wait_closed()

    cluster.converse = say
    async with connecting(proxy, await proxy.keep()) as socket:
        assert (await ending(socket))[0] == 1009


async def test_a_server_that_stops_ends_it(
    authority: Authority, tmp_path: Path, cluster: ClusterSockets
) -> None:
    cluster.converse = wait
    async with asyncio.timeout(SECONDS):
        async with opened(tmp_path) as server:
            proxy = await proxy_of(server, cluster.config)
            socket = await connecting(proxy, await proxy.keep())
            there = await cluster.sockets.get()
        assert (await ending(socket))[0] == 1012
        await there.wait_closed()
    assert there.close_code == 1012


# --- how much waits -------------------------------------------------------------------------------


class _Slow:
    """Says and takes messages, but each only when it is let."""

    def __init__(self) -> None:
        self.said = 0
        self.takes = asyncio.Event()
        self.leaves = asyncio.Event()

    async def receive(self) -> bytes:
        self.said += 1
        return b"x"

    async def send(self, message: str | bytes) -> None:
        await self.takes.wait()
        raise SocketClosed(1006)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.code = code


async def test_nothing_more_is_read_until_what_was_read_is_taken() -> None:
    client, cluster = _Slow(), _Slow()
    async with asyncio.timeout(SECONDS), anyio.create_task_group() as tasks:
        tasks.start_soon(service._pass_on, client, cluster, asyncio.Event().wait)
        await anyio.wait_all_tasks_blocked()
        assert (client.said, cluster.said) == (1, 1)
        # Both have gone, which only sending shows.
        client.takes.set()
        cluster.takes.set()
    assert (client.code, cluster.code) == (1011, 1011)


async def test_a_client_whose_messages_wait_is_not_taken_for_dead(
    authority: Authority,
    tmp_path: Path,
    cluster: ClusterSockets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent, waited = asyncio.Queue[None](), asyncio.Event()
    timeout = SocketProtocol.keepalive_timeout

    def keepalive_timeout(self: SocketProtocol) -> None:
        silent.put_nowait(None)
        if not waited.is_set():  # later it would only tell how busy this machine is
            timeout(self)

    async def later(socket: ServerConnection) -> None:
        await waited.wait()
        async for message in socket:
            await socket.send(str(len(message)))

    monkeypatch.setattr(SocketProtocol, "keepalive_timeout", keepalive_timeout)
    monkeypatch.setattr(sockets, "_PONG", None)
    cluster.converse = later
    async with (
        asyncio.timeout(SECONDS),
        opened(tmp_path, pings=0.4) as server,
        anyio.create_task_group() as tasks,
    ):
        proxy = await proxy_of(server, cluster.config)
        async with connecting(proxy, await proxy.keep()) as socket:
            for _ in range(32):
                tasks.start_soon(socket.send, b"x" * (1 << 20))
            for _ in range(3):
                await silent.get()
            waited.set()
            assert [await socket.recv() for _ in range(32)] == [str(1 << 20)] * 32


async def test_a_client_that_gives_no_sign_of_life_is_disconnected(
    tmp_path: Path, cluster: ClusterSockets
) -> None:
    cluster.converse = wait
    async with asyncio.timeout(SECONDS), opened(tmp_path, pings=0.05) as server:
        proxy = await proxy_of(server, cluster.config)
        silent = await connecting(proxy, await proxy.keep())
        silent.transport.pause_reading()
        await (await cluster.sockets.get()).wait_closed()
        silent.transport.abort()
