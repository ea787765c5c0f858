"""A machine that is connected as an executor, as codex does it, and workspaces that have some."""

import asyncio
import base64
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from typing import Any

import attrs
import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from listening import SECONDS, listening
from people import PASSWORD, User, ok
from timeline import Timeline
from websockets.asyncio.client import connect

from agentserver_reference.app import create_app
from agentserver_reference.context import Context
from agentserver_reference.serve import serving_internally
from agentserver_reference.settings import Settings

PUBLIC_GATEWAY = "https://gateway.example.com"
"""The address in a command where there is a remote gateway, which no test can reach."""

USER_AGENT = "codex_cli_rs/0.140.0 (Debian 13.0.0; x86_64) unknown"


def claims_of(token: str) -> dict[str, Any]:
    """What a signed token says, which is not checked."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return found


def option(command: str, name: str) -> str:
    """A value that the command sets."""
    found = re.search(rf"{name}[= ]'([^']*)'", command)
    assert found is not None, f"{name} is not in {command}"
    return found[1]


@attrs.define
class Machine:
    """A machine that was given the command."""

    command: str
    client: httpx.AsyncClient
    """Calls the addresses of the command."""
    timeline: Timeline
    key: Ed25519PrivateKey = attrs.field(init=False)
    id: str = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        claims = claims_of(option(self.command, "CODEX_ACCESS_TOKEN"))
        key = load_der_private_key(base64.b64decode(claims["agent_private_key"]), None)
        assert isinstance(key, Ed25519PrivateKey)
        self.key, self.id = key, claims["agent_runtime_id"]

    def sign(self, message: str) -> str:
        return base64.b64encode(self.key.sign(message.encode())).decode()

    def moment(self, seconds: float = 0) -> str:
        now = datetime.fromtimestamp(
            self.timeline.now.timestamp() + seconds, self.timeline.now.tzinfo
        )
        return now.isoformat(timespec="seconds").replace("+00:00", "Z")

    async def ask_for_task(self, **changes: str) -> httpx.Response:
        moment = changes.pop("timestamp", self.moment())
        body = {"timestamp": moment, "signature": self.sign(f"{self.id}:{moment}"), **changes}
        issuer = option(self.command, "CODEX_AGENT_IDENTITY_AUTHAPI_BASE_URL")
        return await self.client.post(f"{issuer}/v1/agent/{self.id}/task/register", json=body)

    async def task(self) -> str:
        task: str = ok(await self.ask_for_task()).json()["task_id"]
        return task

    def assertion(self, task: str, **changes: str) -> str:
        moment = changes.get("timestamp", self.moment())
        said = {
            "agent_runtime_id": self.id,
            "task_id": task,
            "timestamp": moment,
            "signature": self.sign(f"{self.id}:{task}:{moment}"),
            **changes,
        }
        encoded = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
        return f"AgentAssertion {encoded}"

    async def ask_for_ticket(
        self, assertion: str, path: str = "environment", said: Any = None
    ) -> httpx.Response:
        headers = {"Authorization": assertion, "User-Agent": USER_AGENT}
        url = f"{self._remote(path)}/register"
        return await self.client.post(url, headers=headers, json=said)

    async def ask_about(self, harness: dict[str, Any], **changes: str) -> httpx.Response:
        """Ask whether a harness may use the executor, in whose name it has shown its key."""
        headers = {"Authorization": changes.pop("assertion", "")}
        url = f"{self._remote()}/validate"
        return await self.client.post(url, headers=headers, json=harness | changes)

    def _remote(self, path: str = "environment") -> str:
        remote = option(self.command, "--remote")
        return f"{remote}/cloud/{path}/{option(self.command, '--environment-id')}"

    async def ticket(self) -> str:
        """The address of a WebSocket, with a ticket."""
        answer = ok(await self.ask_for_ticket(self.assertion(await self.task())))
        assert answer.json().keys() == {"id", "executor_id", "environment_id", "url"}
        url: str = answer.json()["url"]
        return url

    def connecting(self, url: str) -> Any:
        return connect(url, open_timeout=SECONDS, close_timeout=1, user_agent_header=None)


@attrs.frozen
class Site:
    """A server on a real socket, whose time passes only when a test lets it, and its people."""

    client: httpx.AsyncClient
    context: Context
    timeline: Timeline
    owner: User
    workspace_id: str
    gateway_url: str = PUBLIC_GATEWAY
    """Where the remote gateway of executors is, if there is one."""

    @property
    def path(self) -> str:
        return f"/api/workspaces/{self.workspace_id}/executors"

    async def register(self, name: str = "build", user: User | None = None) -> Machine:
        answer = ok(await (user or self.owner).request("POST", self.path, {"name": name}))
        command = answer.json()["connect_command"].replace(PUBLIC_GATEWAY, self.gateway_url)
        return Machine(command, self.client, self.timeline)

    async def unbind(self, executor_id: str) -> None:
        ok(await self.owner.request("DELETE", f"{self.path}/{executor_id}"))

    async def list(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self.owner.read(self.path)
        return rows

    async def add_member(self, email: str, role: str) -> User:
        user = await sign_up(self.client, email)
        body = {"email": email, "role": role}
        members = f"/api/workspaces/{self.workspace_id}/members"
        ok(await self.owner.request("POST", members, body))
        return user


async def sign_up(client: httpx.AsyncClient, email: str) -> User:
    """Make an account with a session, whose cookie the client does not keep."""
    account = {"email": email, "password": PASSWORD}
    made = ok(await client.post("/api/auth/register", json=account)).json()
    opened = ok(await client.post("/api/auth/login", json=account))
    client.cookies.clear()
    return User(client, made["id"], email, opened.headers["set-cookie"].partition(";")[0])


@asynccontextmanager
async def running(
    settings: Settings, timeline: Timeline, internal: socket.socket | None = None
) -> AsyncIterator[tuple[Any, Context]]:
    """A server on a real socket, and a client of it; `internal` is for its internal routes."""
    app = create_app(settings, clock=timeline, wait=timeline.wait, validate_responses=True)
    async with (
        listening(app) as ready,
        nullcontext() if internal is None else serving_internally(app, settings, internal),
        httpx.AsyncClient(base_url=f"http://{ready.address}", timeout=SECONDS) as client,
    ):
        yield client, app.state.context


@asynccontextmanager
async def site(
    settings: Settings,
    timeline: Timeline | None = None,
    *,
    internal: socket.socket | None = None,
    gateway_url: str = PUBLIC_GATEWAY,
) -> AsyncIterator[Site]:
    """A server with an owner and a workspace."""
    timeline = timeline or Timeline()
    async with running(settings, timeline, internal) as (client, context):
        owner = await sign_up(client, "owner@example.com")
        workspace_id = await owner.create_workspace()
        yield Site(client, context, timeline, owner, workspace_id, gateway_url)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so that follows from what was done."""
    async with asyncio.timeout(SECONDS):
        while not await condition():  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)
