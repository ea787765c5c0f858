"""Clients of Kubernetes, each as the process of a sandbox that is given a KUBECONFIG.

The cluster behind the server is one of ours, because a real one needs a machine of its own. What is
executed in its pods is executed, and all connections are real.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from anyio.from_thread import start_blocking_portal
from authority import Authority
from cluster import VERSION, serving
from cluster_stand_in import HOST

import agentserver
from agentserver_contract.local_server import running

COMMAND = Path(__file__).with_name("cluster_in_sandbox.py")
SECRET = "eXaMpLe-Secret-0123456789"  # noqa: S105 (of a cluster that ends with the test)
SECONDS = 60
"""How long anything may take."""


@attrs.define
class Front:
    """What has a certificate, and passes on to a server what it is sent."""

    address: str
    port: int = 0
    """Of the server."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self.port)
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what is read, until it ends."""
    try:
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    except OSError:
        pass
    finally:
        target.close()


@asynccontextmanager
async def front(authority: Authority) -> AsyncIterator[Front]:
    """Listen with a certificate of the authority."""
    made = Front("")
    tls = authority.server(HOST)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls) as server:
        made.address = f"https://{HOST}:{server.sockets[0].getsockname()[1]}"
        yield made


def why_not(client: str) -> str | None:
    """Return why a client cannot be tried here."""
    if client != "kubectl":
        return None
    if shutil.which("kubectl") is None:
        return "kubectl is not installed"
    command = ["kubectl", "version", "--client", "--output=json"]
    shown = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    minor = int(shown["clientVersion"]["minor"].rstrip("+"))
    return None if minor >= 30 else f"kubectl 1.{minor} opens no WebSockets, which 1.30 does"


@attrs.frozen
class Run:
    """A client that has run in a sandbox."""

    client: str
    report: dict[str, Any]
    proofs: set[str]
    """What the cluster was shown of who calls."""
    files: list[Path]
    """Those of the sandboxes."""


@pytest.fixture(scope="module", params=["kubernetes", "kubectl", "kubectl by https"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run a client in a sandbox of a server of its own."""
    name, _, by_https = request.param.partition(" ")
    folder = tmp_path_factory.mktemp(name)
    if (reason := why_not(name)) is not None:
        pytest.skip(reason)
    authority = Authority(folder)
    certificate = folder / "authority.pem"
    certificate.write_text(authority.certificate)
    with (
        socket.create_server(("127.0.0.1", 0)) as reports,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serving(authority, folder, SECRET)) as cluster,
        portal.wrap_async_context_manager(front(authority)) as entrance,
    ):
        port = str(reports.getsockname()[1])
        command = [sys.executable, str(COMMAND), name, port, str(certificate)]
        settings = {
            "AGENTSERVER_SANDBOX_COMMAND_OPENCODE": shlex.join(command),
            "AGENTSERVER_ALLOW_PRIVATE_ADDRESSES": "true",
            **({"CREDPROXY_PUBLIC_URL": entrance.address} if by_https else {}),
        }
        with running(folder, **settings) as url, agentserver.Client(url) as client:
            entrance.port = int(url.rpartition(":")[2])
            account = {"email": "ada@example.com", "password": "correct horse battery"}
            client.auth.register(**account)
            client.auth.login(**account)
            reports.settimeout(SECONDS)
            other = client.workspaces.create(name="Other")
            client.sandboxes.create(other.id, name="Other")
            with connected(reports) as stranger:
                token = stranger.makefile().readline()
                workspace = client.workspaces.create(name="Clusters")
                config = cluster.config.kubeconfig(token=SECRET)
                client.credentials.create(
                    workspace.id, "k8s", display_name="Production", config=config
                )
                client.sandboxes.create(workspace.id, name=name)
                with connected(reports) as sandbox:
                    sandbox.sendall(token.encode())
                    _, *report = sandbox.makefile()
            files = [path for path in (folder / "sandboxes").rglob("*") if path.is_file()]
            logs = [path.read_text() for path in files if path.name == "output.log"]
            assert report, logs
            yield Run(name, json.loads(report[0]), cluster.proofs, files)


def connected(reports: socket.socket) -> socket.socket:
    """Wait for a sandbox to connect."""
    connection, _ = reports.accept()
    connection.settimeout(SECONDS)
    return connection


def test_it_reads_and_creates(run: Run) -> None:
    # /version/, which the client for Python asks for, leads to /version.
    assert run.report["version"] == VERSION
    assert run.report["listed"] == ["engine"]


def test_what_it_watches_and_follows_is_streamed(run: Run) -> None:
    assert run.report["streamed"] == [
        ["ADDED", "engine"],
        "started",
        "executed sh",
        ["DELETED", "engine"],
    ]


def test_it_executes_a_command(run: Run) -> None:
    status, output, errors = run.report["executed"]
    assert (status, output) == (3, "read a line\n")
    assert errors.startswith("failed\n")


REFUSED = {
    "kubernetes": [(404, "credential not found"), (401, "invalid token"), (401, "invalid token")],
    "kubectl": [(1, "could not find the requested resource"), (1, "must be logged in")],
}


def test_it_is_refused_with_the_token_of_another_sandbox_and_with_none(run: Run) -> None:
    for expected, found in zip(REFUSED[run.client], run.report["refused"], strict=True):
        assert found[0] == expected[0], found
        assert expected[1] in found[1]


def test_it_never_sees_the_credential_which_alone_the_cluster_is_shown(run: Run) -> None:
    assert run.proofs == {f"Bearer {SECRET}"}
    assert SECRET not in json.dumps(run.report)
    assert [path for path in run.files if SECRET.encode() in path.read_bytes()] == []
    assert any(path.name == "kubeconfig" for path in run.files)
