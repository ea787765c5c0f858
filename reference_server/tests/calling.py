"""Sandboxes whose token is known, and what calls the LLM proxy with it."""

from typing import Any

import attrs
import httpx
from people import ReferenceServer, User, ok

from agentserver_reference.domain.tokens import token_hash
from agentserver_reference.domain.traces import Trace
from agentserver_reference.storage import llm_traces, sandboxes

QUESTION = {"model": "any", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


@attrs.frozen
class Caller:
    """A sandbox, and its owner."""

    server: ReferenceServer
    owner: User
    workspace_id: str
    id: str

    @property
    def token(self) -> str:
        """The token, which is made of the id."""
        return f"token-of-{self.id}"

    @property
    def path(self) -> str:
        """Where it is shown."""
        return f"/api/sandboxes/{self.id}"

    async def ask(
        self, path: str = "/v1/messages", body: Any = None, **headers: str
    ) -> httpx.Response:
        """Call a model; underscores in names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.server.client.post(
            path,
            json=QUESTION if body is None else body,
            headers={"x-api-key": self.token, **named},
        )

    async def usage(self, query: str = "") -> Any:
        """Its usage."""
        return (await self.owner.read(f"{self.path}/usage{query}"))["usage"]

    async def traces(self, query: str = "") -> Any:
        """The list of its traces."""
        return await self.owner.read(f"{self.path}/traces{query}")

    async def trace(self, trace_id: str) -> Any:
        """One of them."""
        return await self.owner.read(f"{self.path}/traces/{trace_id}")

    async def has_asked(self, request_id: str, trace_id: str, **outcome: Any) -> None:
        """Put a request into the database, as the embedded proxy does."""
        trace = Trace(trace_id, "header")
        await self.server.store.write(
            llm_traces.reserve,
            request_id,
            workspace_id=self.workspace_id,
            sandbox_id=self.id,
            trace=trace,
            provider="anthropic",
            now=self.server.clock(),
        )
        known = {"model": "m", "message_id": "", "streaming": True, "duration": 9, "ttft": 4}
        counts = dict.fromkeys(llm_traces.TOKENS, 1)
        await self.server.store.write(
            llm_traces.record,
            request_id,
            workspace_id=self.workspace_id,
            trace=trace,
            outcome=known | counts | outcome,
            now=self.server.clock(),
        )

    async def limit(self, admin: User, requests: int) -> None:
        """Limit the requests of its workspace per day."""
        path = f"/api/admin/workspaces/{self.workspace_id}/llm-quota"
        ok(await admin.request("PUT", path, {"max_rpd": requests}))


async def add_caller(
    server: ReferenceServer,
    owner: User,
    sandbox_id: str = "sandbox",
    *,
    workspace_id: str | None = None,
    status: str = "running",
) -> Caller:
    """Put a sandbox into the database, in a new workspace unless one is given."""
    caller = Caller(server, owner, workspace_id or await owner.create_workspace(), sandbox_id)
    await server.store.write(
        sandboxes.add,
        sandbox_id=sandbox_id,
        workspace_id=caller.workspace_id,
        name="A sandbox",
        type="opencode",
        status=status,
        is_local=False,
        now=server.clock(),
        token_hash=token_hash(caller.token),
    )
    return caller
