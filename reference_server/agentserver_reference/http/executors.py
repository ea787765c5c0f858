"""The routes by which codex connects an executor, as codex has defined them.

They are not part of the contract. Errors have the form that codex reads.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from agentserver_reference.context import Context
from agentserver_reference.domain.errors import BadRequest, Refusal, Unauthenticated
from agentserver_reference.gateways.executors.embedded import EmbeddedExecutors
from agentserver_reference.http.clients import client_of
from agentserver_reference.http.dispatch import ForeignEndpoint, ForeignSocket
from agentserver_reference.http.oauth import address, copy_limits
from agentserver_reference.http.request import MAX_BYTES, read_bytes
from agentserver_reference.http.responses import refusal
from agentserver_reference.replies import Socket, Upgrade
from agentserver_reference.services import executor_connections, executors
from agentserver_reference.services.executor_connections import Assertion
from agentserver_reference.services.unit_of_work import UnitOfWork

T = TypeVar("T")

_SCHEME = "AgentAssertion"

Respond = Callable[[Request], Awaitable[object]]


class _TaskRequest(msgspec.Struct):
    timestamp: str
    signature: str


class _Assertion(_TaskRequest):
    agent_runtime_id: str
    task_id: str


def endpoints(
    context: Context, gateway: EmbeddedExecutors
) -> Mapping[str, tuple[str, ForeignEndpoint | ForeignSocket]]:
    """Return what responds to each path, and to which method."""
    work = UnitOfWork(context)

    async def keys(_: Request) -> object:
        return {"keys": await executors.public_keys(work)}

    async def register_task(request: Request) -> object:
        body = _decoded(await read_bytes(request, MAX_BYTES), _TaskRequest)
        task = await executor_connections.register_task(
            work, _executor_id(request), body.timestamp, body.signature
        )
        return {"task_id": task}

    async def register(request: Request) -> object:
        executor_id = _executor_id(request)
        await read_bytes(request, MAX_BYTES)
        assertion = _assertion(request.headers.get("authorization", ""))
        client = client_of(request)
        ticket = await executor_connections.admit(work, executor_id, assertion, client)
        base = address(context, request).replace("http", "ws", 1)
        return {
            "id": executor_id,
            "executor_id": executor_id,
            "environment_id": executor_id,
            "url": f"{base}/codex-exec/{executor_id}?token={ticket}",
        }

    async def connect(socket: WebSocket) -> Upgrade:
        executor_id = _executor_id(socket)
        ticket = socket.query_params.get("token", "")
        socket_id = await executor_connections.open_socket(work, executor_id, ticket)

        async def converse(opened: Socket) -> None:
            await gateway.hold(executor_id, socket_id, opened)

        return Upgrade(converse)

    identity = f"{executors.IDENTITY_PATH}/v1/agent/{{executor_id}}/task/register"
    return {
        f"{executors.IDENTITY_PATH}/agent-identities/jwks": ("GET", _plain(keys)),
        identity: ("POST", _plain(register_task)),
        "/cloud/environment/{executor_id}/register": ("POST", _json(register)),
        "/cloud/executor/{executor_id}/register": ("POST", _json(register)),
        "/codex-exec/{executor_id}": ("GET", ForeignSocket(connect)),
    }


def _executor_id(connection: HTTPConnection) -> str:
    executor_id: str = connection.path_params["executor_id"]
    return executor_id


def _assertion(header: str) -> Assertion:
    """Read the header `Authorization`. Raises Unauthenticated."""
    scheme, _, value = header.partition(" ")
    try:
        if scheme != _SCHEME:
            raise BadRequest("not an assertion")
        padding = "=" * (-len(value) % 4)
        content = base64.b64decode(value + padding, altchars="-_", validate=True)
        found = _decoded(content, _Assertion)
    except (BadRequest, binascii.Error, ValueError):
        raise Unauthenticated("unauthorized") from None
    return Assertion(found.agent_runtime_id, found.task_id, found.timestamp, found.signature)


def _decoded(content: bytes, form: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("bad body") from None


def _plain(respond: Respond) -> ForeignEndpoint:
    return ForeignEndpoint(_responding(respond, refusal))


def _json(respond: Respond) -> ForeignEndpoint:
    return ForeignEndpoint(_responding(respond, _json_refusal))


def _responding(
    respond: Respond, refused: Callable[[Refusal], Response]
) -> Callable[[Request, str], Awaitable[Response]]:
    async def answer(request: Request, _: str) -> Response:
        try:
            content = await respond(request)
        except Refusal as error:
            return refused(error)
        return Response(msgspec.json.encode(content), media_type="application/json")

    return answer


def _json_refusal(error: Refusal) -> Response:
    status = refusal(error).status_code
    body = msgspec.json.encode({"error": error.line})
    response = Response(body, status, media_type="application/json")
    copy_limits(error, response)
    return response
