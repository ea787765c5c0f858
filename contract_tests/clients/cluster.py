"""A cluster's API server, as far as its clients need one: pods, over HTTPS, with one token.

What is executed in a pod runs on this machine, in the pod's folder; its log says what was executed.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import uvicorn
from authority import Authority
from cluster_stand_in import HOST, ClusterStandIn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

VERSION = "v1.32.0"
PODS = "/api/v1/namespaces/{namespace}/pods"

_VERBS = ["create", "delete", "get", "list", "patch", "watch"]
_POD = {"name": "pods", "singularName": "pod", "kind": "Pod", "shortNames": ["po"]}
_DISCOVERY: dict[str, dict[str, Any]] = {
    "/version": {
        "major": "1",
        "minor": "32",
        "gitVersion": VERSION,
        # Clients want them all.
        **dict.fromkeys(("buildDate", "compiler", "gitCommit", "gitTreeState"), ""),
        **dict.fromkeys(("goVersion", "platform"), ""),
    },
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {**_POD, "namespaced": True, "verbs": _VERBS},
            {"name": "pods/exec", "namespaced": True, "kind": "PodExecOptions", "verbs": ["get"]},
            {"name": "pods/log", "namespaced": True, "kind": "Pod", "verbs": ["get"]},
        ],
    },
    "/openapi/v3": {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1"}}},
    # By this, kubectl knows that the server validates what is applied.
    "/openapi/v3/api/v1": {
        "openapi": "3.0.0",
        "paths": {
            f"{PODS}/{{name}}": {
                "patch": {
                    "parameters": [{"name": "fieldValidation", "in": "query"}],
                    "x-kubernetes-group-version-kind": {
                        "group": "",
                        "kind": "Pod",
                        "version": "v1",
                    },
                }
            }
        },
    },
}

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""Of what is executed, the best first."""

STDIN, STDOUT, STDERR, ERROR, CLOSE = 0, 1, 2, 3, 255
"""Channels of what is executed: the first byte of each message."""


@attrs.define(eq=False)
class Pod:
    """A pod, and what is in its log."""

    shown: dict[str, Any]
    folder: Path
    log: list[str] = attrs.field(factory=lambda: ["started"])
    exists: bool = True


@attrs.define(eq=False)
class Cluster:
    """The pods, and who asked for them."""

    config: ClusterStandIn
    """What kubeconfigs are made of."""
    folder: Path
    secret: str
    pods: dict[str, Pod] = attrs.field(factory=dict)
    events: list[dict[str, Any]] = attrs.field(factory=list)
    changed: asyncio.Condition = attrs.field(factory=asyncio.Condition)
    proofs: set[str] = attrs.field(factory=set)
    """What clients have shown of who they are."""

    def app(self) -> Any:
        """Return what serves it."""
        pod = f"{PODS}/{{name}}"
        app = Starlette(
            routes=[
                *(Route(path, self.discover) for path in _DISCOVERY),
                Route(PODS, self.list_pods, methods=["GET"]),
                Route(PODS, self.create, methods=["POST"]),
                Route(pod, self.read, methods=["GET"]),
                Route(pod, self.patch, methods=["PATCH"]),
                Route(pod, self.delete, methods=["DELETE"]),
                Route(f"{pod}/log", self.follow),
                WebSocketRoute(f"{pod}/exec", self.execute),
            ]
        )

        async def authenticated(scope: Any, receive: Any, send: Any) -> None:
            proof = dict(scope["headers"]).get(b"authorization", b"").decode()
            self.proofs.add(proof)
            refused = failure(401, "not one of ours", "Unauthorized")
            await (app if proof == f"Bearer {self.secret}" else refused)(scope, receive, send)

        return authenticated

    async def discover(self, request: Request) -> Response:
        return JSONResponse(_DISCOVERY[request.url.path])

    async def list_pods(self, request: Request) -> Response:
        if request.query_params.get("watch") in ("true", "1"):
            return StreamingResponse(self.watch(request), media_type="application/json")
        found = [pod.shown for pod in self.pods.values() if selected(request, pod.shown)]
        listed = {"kind": "PodList", "apiVersion": "v1", "items": found}
        return JSONResponse(as_asked(request, listed | self.version()))

    async def watch(self, request: Request) -> AsyncIterator[bytes]:
        """Say what has changed since a version, as it changes."""
        seen = int(request.query_params.get("resourceVersion") or 0)
        while True:
            async with self.changed:
                while len(self.events) <= seen:
                    await self.changed.wait()
                news, seen = self.events[seen:], len(self.events)
            for event in news:
                if selected(request, event["object"]):
                    shown = event | {"object": as_asked(request, event["object"])}
                    yield json.dumps(shown).encode() + b"\n"

    async def create(self, request: Request) -> Response:
        given = await request.json()
        name = given["metadata"]["name"]
        folder = self.folder / name
        folder.mkdir()
        shown = given | {"kind": "Pod", "apiVersion": "v1", "status": {"phase": "Running"}}
        shown["metadata"] |= {
            "namespace": request.path_params["namespace"],
            "uid": name,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
        self.pods[name] = Pod(shown, folder)
        await self.change("ADDED", self.pods[name])
        return JSONResponse(as_asked(request, shown), 201)

    async def read(self, request: Request) -> Response:
        if (pod := self.pod(request)) is None:
            return unknown(request)
        return JSONResponse(as_asked(request, pod.shown))

    async def patch(self, request: Request) -> Response:
        if (pod := self.pod(request)) is None:
            return unknown(request)
        pod.shown = merged(pod.shown, await request.json())
        await self.change("MODIFIED", pod)
        return JSONResponse(as_asked(request, pod.shown))

    async def delete(self, request: Request) -> Response:
        if (pod := self.pod(request)) is None:
            return unknown(request)
        del self.pods[request.path_params["name"]]
        pod.exists = False
        await self.change("DELETED", pod)
        return JSONResponse(pod.shown)

    async def follow(self, request: Request) -> Response:
        if (pod := self.pod(request)) is None:
            return unknown(request)
        follows = request.query_params.get("follow") in ("true", "True")

        async def lines() -> AsyncIterator[str]:
            said = 0
            while pod.exists:
                for line in pod.log[said:]:
                    yield f"{line}\n"
                said = len(pod.log)
                if not follows:
                    return
                async with self.changed:
                    while len(pod.log) == said and pod.exists:
                        await self.changed.wait()

        return StreamingResponse(lines(), media_type="text/plain")

    async def execute(self, client: WebSocket) -> None:
        """Run a command in the folder of a pod."""
        offered = client.scope["subprotocols"]
        pod = self.pods[client.path_params["name"]]
        command = client.query_params.getlist("command")
        await client.accept(next(each for each in PROTOCOLS if each in offered))
        async with self.changed:
            pod.log.append(f"executed {command[0]}")
            self.changed.notify_all()
        child = await asyncio.create_subprocess_exec(
            *command,
            cwd=pod.folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert child.stdin
        assert child.stdout
        assert child.stderr
        feeding = asyncio.create_task(feed(client, child.stdin))
        if client.query_params.get("stdin") not in ("true", "True"):
            child.stdin.close()
        await asyncio.gather(say(client, STDOUT, child.stdout), say(client, STDERR, child.stderr))
        status = outcome(await child.wait())
        feeding.cancel()
        await client.send_bytes(bytes([ERROR]) + json.dumps(status).encode())
        await client.close()

    def pod(self, request: Request) -> Pod | None:
        """Return the pod that a request names."""
        return self.pods.get(request.path_params["name"])

    def version(self) -> dict[str, Any]:
        """Return the metadata that name a version."""
        return {"metadata": {"resourceVersion": str(len(self.events))}}

    async def change(self, kind: str, pod: Pod) -> None:
        """Say to those who watch that a pod has changed."""
        async with self.changed:
            version = {"resourceVersion": str(len(self.events) + 1)}
            pod.shown = merged(pod.shown, {"metadata": version})
            self.events.append({"type": kind, "object": pod.shown})
            self.changed.notify_all()


def as_asked(request: Request, shown: dict[str, Any]) -> dict[str, Any]:
    """Return a pod or a list of them, as a table if that is asked for."""
    if "as=Table" not in request.headers.get("accept", ""):
        return shown
    rows = [
        {"cells": [pod["metadata"]["name"], pod["status"]["phase"]], "object": pod}
        for pod in shown.get("items", [shown])
    ]
    columns = [{"name": name, "type": "string"} for name in ("Name", "Status")]
    table = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "columnDefinitions": columns}
    return {**table, "metadata": shown["metadata"], "rows": rows}


def selected(request: Request, shown: dict[str, Any]) -> bool:
    """Whether a request is about a pod."""
    name = request.query_params.get("fieldSelector", "").partition("metadata.name=")[2]
    return name in ("", shown["metadata"]["name"])


def merged(old: Any, changes: Any) -> Any:
    """Apply a merge patch (RFC 7386)."""
    if not isinstance(old, Mapping) or not isinstance(changes, Mapping):
        return changes
    changed = {name: merged(old.get(name), value) for name, value in changes.items()}
    return {k: v for k, v in {**old, **changed}.items() if v is not None}


def unknown(request: Request) -> Response:
    return failure(404, f'pods "{request.path_params["name"]}" not found', "NotFound")


def failure(status: int, message: str, reason: str) -> Response:
    """Return an error in Kubernetes' form."""
    shown = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return JSONResponse(shown | {"message": message, "reason": reason, "code": status}, status)


def outcome(code: int) -> dict[str, Any]:
    """Return how a command has ended, in Kubernetes' form."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    cause = {"reason": "ExitCode", "message": str(code)}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [cause]},
    }


async def feed(client: WebSocket, stdin: asyncio.StreamWriter) -> None:
    """Write what a client says to a command, until it closes the channel or leaves."""
    with suppress(WebSocketDisconnect, OSError):
        while True:
            message = await client.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect
            data = message.get("bytes") or (message.get("text") or "").encode()
            if data[0] == CLOSE:
                stdin.close()
            elif data[0] == STDIN:
                stdin.write(data[1:])
                await stdin.drain()


async def say(client: WebSocket, channel: int, stream: asyncio.StreamReader) -> None:
    """Say to a client what a command writes."""
    while data := await stream.read(32 * 1024):
        await client.send_bytes(bytes([channel]) + data)


@asynccontextmanager
async def serving(authority: Authority, folder: Path, secret: str) -> AsyncIterator[Cluster]:
    """Run a cluster, which has no pods yet."""
    authority.server(HOST)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Cluster(ClusterStandIn(authority, port=listener.getsockname()[1]), folder, secret)
        server = uvicorn.Server(
            uvicorn.Config(
                made.app(),
                ssl_certfile=authority.folder / f"{HOST}.pem",
                lifespan="off",
                ws="websockets-sansio",
                log_level="warning",
                timeout_graceful_shutdown=0,
            )
        )
        ended = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield made
        finally:
            server.should_exit = True
            await ended
