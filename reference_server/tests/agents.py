"""Agents whose tokens are known, and what they do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx
import pytest
from people import Clock, ReferenceServer, User, ok

from agentserver_reference.app import create_app
from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.services import agents as service
from agentserver_reference.services.unit_of_work import UnitOfWork
from agentserver_reference.settings import Settings
from agentserver_reference.storage import sandboxes


@attrs.frozen
class Agent:
    """An agent with one of its tokens."""

    client: httpx.AsyncClient
    id: str
    workspace_id: str
    token: str

    async def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request with the agent's token."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.client.request(method, path, json=body, headers=headers)

    async def post(self, path: str, **body: Any) -> Any:
        """Return the JSON of a POST, which must succeed."""
        return ok(await self.request("POST", path, body)).json()

    async def read(self, path: str) -> Any:
        """Return the JSON of a GET, which must succeed."""
        return ok(await self.request("GET", path)).json()

    async def publish(self, **card: Any) -> None:
        """Publish a card."""
        await self.post("/api/agent/discovery/cards", **card)

    async def poll(self, query: str = "") -> list[str]:
        """Poll, and return the ids of the tasks."""
        return [task["task_id"] for task in await self.read(f"/api/agent/tasks/poll{query}")]

    async def try_report(self, task_id: str, status: str, **report: Any) -> httpx.Response:
        """Report on a task, and return the answer."""
        path = f"/api/agent/tasks/{task_id}/status"
        return await self.request("PUT", path, {"status": status, **report})

    async def report(self, task_id: str, status: str, **report: Any) -> None:
        """Report on a task, which must succeed."""
        answer = ok(await self.try_report(task_id, status, **report))
        assert (answer.status_code, answer.content) == (200, b"")

    async def delegate(self, target: str, prompt: str = "Do it.", **task: Any) -> str:
        """Create a task for another agent, and return its id."""
        made = await self.post("/api/agent/tasks", target_id=target, prompt=prompt, **task)
        task_id: str = made["task_id"]
        return task_id

    async def task(self, task_id: str) -> Any:
        """A task as the agent reads it."""
        return await self.read(f"/api/agent/tasks/{task_id}")

    async def send(self, to: str, text: str, **message: Any) -> str:
        """Send a message, and return its id."""
        made = await self.post("/api/agent/mailbox/send", to=to, text=text, **message)
        message_id: str = made["message_id"]
        return message_id

    async def inbox(self, query: str = "") -> list[str]:
        """Read messages, and return their texts."""
        return [one["text"] for one in await self.read(f"/api/agent/mailbox/inbox{query}")]


async def add_agent(server: ReferenceServer, workspace_id: str, name: str) -> Agent:
    """Put a running sandbox of the server into the database, with an agent in it."""
    sandbox_id = f"sandbox-{name}"
    token = token_hash(f"token of {sandbox_id}")[:32]
    await server.store.write(
        sandboxes.add,
        sandbox_id=sandbox_id,
        workspace_id=workspace_id,
        name=name,
        type="opencode",
        status="running",
        is_local=False,
        now=server.clock(),
        token_hash=token_hash(token),
    )
    return Agent(server.client, sandbox_id, workspace_id, token)


async def create_task(user: User, workspace_id: str, target: str, **task: Any) -> str:
    """Create a task on behalf of a member, and return its id."""
    body = {"target_id": target, "prompt": "Do it.", **task}
    made = ok(await user.request("POST", f"/api/workspaces/{workspace_id}/tasks", body)).json()
    task_id: str = made["task_id"]
    return task_id


@attrs.frozen
class House:
    """A server, a workspace with an owner, and two agents in it."""

    server: ReferenceServer
    admin: User
    owner: User
    workspace_id: str
    first: Agent
    second: Agent

    @property
    def work(self) -> UnitOfWork:
        """Access to the database for services."""
        return UnitOfWork(self.server.context)

    @property
    def clock(self) -> Clock:
        """The server's clock."""
        return self.server.clock

    async def register(self, user: User | None = None, name: str = "Local") -> Agent:
        """Register an agent on behalf of a member, otherwise of the owner."""
        user_id = (user or self.owner).id
        made = await service.register(self.work, user_id, self.workspace_id, name, "custom")
        return Agent(self.server.client, made["sandbox_id"], self.workspace_id, made["proxy_token"])

    async def create_task(self, target: Agent, **task: Any) -> str:
        """Create a task on behalf of the owner, and return its id."""
        return await create_task(self.owner, self.workspace_id, target.id, **task)

    async def task(self, task_id: str) -> Any:
        """A task, as the owner reads it."""
        return await self.owner.read(f"/api/tasks/{task_id}")

    async def card(self, agent: Agent) -> Any:
        """The card of an agent, as the owner reads it."""
        return await self.owner.read(f"/api/agents/{agent.id}")

    async def sandbox(self, agent: Agent) -> Any:
        """The sandbox of an agent, as the owner reads it."""
        return await self.owner.read(f"/api/sandboxes/{agent.id}")

    async def member(self, email: str, role: str) -> User:
        """A new member of the workspace."""
        user = await self.server.create_user(email)
        path = f"/api/workspaces/{self.workspace_id}/members"
        ok(await self.owner.request("POST", path, {"email": email, "role": role}))
        return user


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """A house whose server has these settings."""
    clock = Clock()
    app = create_app(settings, clock=clock, validate_responses=True)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            server = ReferenceServer(client, clock, app.state.context)
            admin = await server.create_user("admin@example.com")
            owner = await server.create_user("owner@example.com")
            workspace_id = await owner.create_workspace()
            agents = [await add_agent(server, workspace_id, name) for name in ("First", "Second")]
            yield House(server, admin, owner, workspace_id, *agents)


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    """A house on each kind of database."""
    async with open_house(settings) as opened:
        yield opened
