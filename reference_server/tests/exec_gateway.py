"""Stands in for the gateway of executors as a separate service, on a real socket.

It knows executors and to which workspace each belongs, asks the server who an executor is, and
holds a WebSocket for each. Its answers are those of the release.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import attrs
import httpx
from listening import SECONDS, listening
from machines import PUBLIC_GATEWAY, USER_AGENT, Site, site
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from timeline import Timeline

from agentserver_reference.serve import listen
from agentserver_reference.settings import Settings

SECRET = "between-us"
OF_WORKSPACE = "/workspaces/{workspace_id:path}/executors"

Answer = Callable[[Request], Awaitable[Response]]


@attrs.define
class Gateway:
    """The gateway. What is asked of it is named by the method and the path below its own."""

    timeline: Timeline
    internal_url: str
    secret: str = SECRET
    url: str = ""
    owners: dict[str, str] = attrs.field(factory=dict)
    """Who has registered each executor."""
    bound: dict[tuple[str, str], dict[str, Any]] = attrs.field(factory=dict)
    """What is listed of the executors, by workspace and executor."""
    online: dict[str, WebSocket] = attrs.field(factory=dict)
    tickets: dict[str, str] = attrs.field(factory=dict)
    asked: list[tuple[str, str, str]] = attrs.field(factory=list)
    """Method and path of each request, and on whose behalf it was made."""
    instead: dict[str, Answer] = attrs.field(factory=dict)
    """What answers some requests, such as `POST /register`."""
    after: dict[str, Answer] = attrs.field(factory=dict)
    """What answers some requests after they were carried out."""

    def app(self) -> Starlette:
        def route(method: str, path: str, answer: Answer) -> Route:
            async def checked(request: Request) -> Response:
                given = request.headers.get("x-internal-secret")
                raw = request.scope["raw_path"].decode()
                self.asked.append((method, raw, request.headers.get("x-user-id", "")))
                if given != self.secret:
                    return PlainTextResponse("unauthorized\n", 401)
                name = f"{method} {path}"
                if name in self.instead:
                    return await self.instead[name](request)
                answered = await answer(request)
                return await self.after[name](request) if name in self.after else answered

            return Route(f"/api/codex-exec{path}", checked, methods=[method])

        return Starlette(
            routes=[
                route("POST", "/register", self._register),
                route("DELETE", "/executors/{executor_id}", self._unregister),
                route("POST", OF_WORKSPACE, self._bind),
                route("GET", OF_WORKSPACE, self._list),
                Route("/cloud/environment/{executor_id}/register", self._admit, methods=["POST"]),
                WebSocketRoute("/codex-exec/{executor_id}", self._hold),
            ]
        )

    async def _register(self, request: Request) -> Response:
        executor_id = f"exe_{uuid4()}"
        self.owners[executor_id] = request.headers["x-user-id"]
        return JSONResponse({"exe_id": executor_id}, 201)

    async def _unregister(self, request: Request) -> Response:
        executor_id = request.path_params["executor_id"]
        self.owners.pop(executor_id, None)
        for key in [key for key in self.bound if key[1] == executor_id]:
            del self.bound[key]
        return Response(status_code=204)

    async def _bind(self, request: Request) -> Response:
        said, workspace_id = await request.json(), request.path_params["workspace_id"]
        rows = [row for (of, _), row in self.bound.items() if of == workspace_id]
        if said["exe_id"] not in self.owners or said["name"] in [row["name"] for row in rows]:
            return JSONResponse({"error": "bind failed"}, 409)
        self.bound[workspace_id, said["exe_id"]] = said
        return JSONResponse({"status": "ok"}, 201)

    async def _list(self, request: Request) -> Response:
        rows = [
            row | {"is_online": executor_id in self.online}
            for (workspace_id, executor_id), row in self.bound.items()
            if workspace_id == request.path_params["workspace_id"]
        ]
        return JSONResponse(rows)

    async def _admit(self, request: Request) -> Response:
        """Give a machine a ticket, if the server says that it is one of the executor's owner."""
        scheme, _, value = request.headers["authorization"].partition(" ")
        assert scheme == "AgentAssertion"
        asked = {"scheme": "agent_assertion", "assertion": value, "account_id": ""}
        answer = await self.validate(asked, self.secret)
        executor_id = request.path_params["executor_id"]
        if answer.status_code != httpx.codes.OK:
            return JSONResponse({"error": "unauthorized"}, 401)
        if answer.json()["user_id"] != self.owners.get(executor_id):
            return JSONResponse({"error": "not yours"}, 403)
        self._note(executor_id, client_ua=USER_AGENT, codex_version="0.140.0", os="")
        ticket = uuid4().hex
        self.tickets[ticket] = executor_id
        ids = dict.fromkeys(("id", "executor_id", "environment_id"), executor_id)
        url = f"{self.url.replace('http', 'ws', 1)}/codex-exec/{executor_id}?token={ticket}"
        return JSONResponse({**ids, "url": url})

    async def validate(self, asked: dict[str, Any], secret: str = SECRET) -> httpx.Response:
        """Ask the server who an executor is."""
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            return await client.post(
                f"{self.internal_url}/internal/codex-auth/validate",
                json=asked,
                headers={"X-Internal-Secret": secret},
            )

    def _note(self, executor_id: str, **said: str) -> None:
        for (_, of), row in self.bound.items():
            if of == executor_id:
                row.update(said)

    async def _hold(self, socket: WebSocket) -> None:
        executor_id = self.tickets[socket.query_params["token"]]
        now = self.timeline.now.isoformat()
        self._note(executor_id, last_seen_at=now, connected_at=now)
        await socket.accept()
        self.online[executor_id] = socket
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
        del self.online[executor_id]
        self._note(executor_id, disconnected_at=self.timeline.now.isoformat())


def with_remote_gateway(settings: Settings, url: str, internal: tuple[str, int]) -> Settings:
    """The settings of a server whose gateway of executors is at `url`."""
    return attrs.evolve(
        settings,
        codex_exec_gateway_internal_url=url,
        codex_exec_gateway_public_host=PUBLIC_GATEWAY.removeprefix("https://"),
        internal_listen=internal,
        internal_api_secret=SECRET,
    )


@asynccontextmanager
async def site_with_gateway(settings: Settings) -> AsyncIterator[tuple[Site, Gateway]]:
    """A server, and the gateway of its executors."""
    timeline = Timeline()
    with listen("127.0.0.1", 0) as internal:
        host, port = internal.getsockname()
        gateway = Gateway(timeline, f"http://{host}:{port}")
        async with listening(gateway.app()) as running:
            gateway.url = f"http://{running.address}"
            own = with_remote_gateway(settings, gateway.url, (host, port))
            async with site(own, timeline, internal=internal, gateway_url=gateway.url) as here:
                yield here, gateway
