"""The routes by which codex connects an executor, as codex has defined them.

They are not part of the contract. Errors have the form that codex reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from agentserver_reference.context import Context
from agentserver_reference.domain.agent_identity import Assertion
from agentserver_reference.domain.errors import BadRequest, Refusal, Unauthenticated
from agentserver_reference.gateways.executors.embedded import EmbeddedExecutors
from agentserver_reference.gateways.executors.off import ExecutorsOff
from agentserver_reference.http.clients import client_of
from agentserver_reference.http.dispatch import ForeignEndpoint, ForeignSocket
from agentserver_reference.http.oauth import address, copy_limits
from agentserver_reference.http.request import MAX_BYTES, read_bytes
from agentserver_reference.http.responses import refusal
from agentserver_reference.replies import Socket, Upgrade
from agentserver_reference.security.codex_token import CODEX_TOKEN
from agentserver_reference.services import executor_connections, executor_harnesses, executors
from agentserver_reference.services.executor_connections import Registration
from agentserver_reference.services.unit_of_work import UnitOfWork

T = TypeVar("T")

_SCHEME = "AgentAssertion"

Respond = Callable[[Request], Awaitable[object]]


class _TaskRequest(msgspec.Struct):
    timestamp: str
    signature: str


class _RegisterRequest(msgspec.Struct):
    security_profile: str | None = None
    executor_public_key: Any = None


class _ConnectRequest(msgspec.Struct):
    harness_public_key: Any


class _ValidationRequest(_ConnectRequest):
    executor_registration_id: str
    harness_key_authorization: str


Targets = Mapping[str, tuple[str, ForeignEndpoint | ForeignSocket]]
"""What responds to each path, and to which method."""


def endpoints(context: Context) -> Targets:
    """Return the routes of a server's executors: of their identities, and of its own gateway."""
    if isinstance(context.executors, ExecutorsOff):
        return {}
    identities = _identity_endpoints(context)
    if not isinstance(context.executors, EmbeddedExecutors):
        return identities
    return {**identities, **_gateway_endpoints(context, context.executors)}


def _identity_endpoints(context: Context) -> Targets:
    work = UnitOfWork(context)

    async def keys(_: Request) -> object:
        return {"keys": await executors.public_keys(work)}

    async def register_task(request: Request) -> object:
        body = _decoded(await read_bytes(request, MAX_BYTES), _TaskRequest)
        task = await executor_connections.register_task(
            work, _executor_id(request), body.timestamp, body.signature
        )
        return {"task_id": task}

    return {
        f"{executors.IDENTITY_PATH}/agent-identities/jwks": ("GET", _plain(keys)),
        f"{executors.IDENTITY_PATH}/v1/agent/{{executor_id}}/task/register": (
            "POST",
            _plain(register_task),
        ),
    }


def _gateway_endpoints(context: Context, gateway: EmbeddedExecutors) -> Targets:
    work = UnitOfWork(context)

    async def register(request: Request) -> object:
        executor_id, client = _executor_id(request), client_of(request)
        registration = _registration(await read_bytes(request, MAX_BYTES), context.ids())
        assertion = _assertion(request)
        ticket = await executor_connections.admit(
            work, executor_id, assertion, client, registration
        )
        answer = {
            "id": executor_id,
            "executor_id": executor_id,
            "environment_id": executor_id,
            "url": socket_url(request, f"/codex-exec/{executor_id}", ticket),
        }
        return answer if registration is None else answer | _shown(registration)

    async def connect_harness(request: Request) -> object:
        executor_id = _executor_id(request)
        body = _decoded(await read_bytes(request, MAX_BYTES), _ConnectRequest)
        token = CODEX_TOKEN.find(request.headers)
        if token is None:
            raise Unauthenticated("unauthorized")
        admission = await executor_harnesses.admit(
            work, executor_id, token, body.harness_public_key
        )
        return {
            "environment_id": executor_id,
            "url": socket_url(request, f"/codex-exec/{executor_id}/harness", admission.ticket),
            **_shown(admission.registration),
            "executor_public_key": admission.registration.public_key,
            "harness_key_authorization": admission.authorization,
        }

    async def validate_harness(request: Request) -> object:
        executor_id = _executor_id(request)
        body = _decoded(await read_bytes(request, MAX_BYTES), _ValidationRequest)
        await executor_harnesses.validate(
            work,
            executor_id,
            _assertion(request),
            body.executor_registration_id,
            body.harness_public_key,
            body.harness_key_authorization,
        )
        return {"valid": True}

    async def connect(socket: WebSocket) -> Upgrade:
        executor_id = _executor_id(socket)
        ticket = socket.query_params.get("token", "")
        socket_id = await executor_connections.open_socket(work, executor_id, ticket)

        async def converse(opened: Socket) -> None:
            await gateway.hold(executor_id, socket_id, opened)

        return Upgrade(converse)

    async def open_harness(socket: WebSocket) -> Upgrade:
        ticket = socket.query_params.get("token", "")
        found = await executor_harnesses.open_socket(work, _executor_id(socket), ticket)

        async def converse(opened: Socket) -> None:
            await gateway.hold_harness(found.socket_id, found.executor_socket_id, opened)

        return Upgrade(converse)

    def socket_url(request: Request, path: str, ticket: str) -> str:
        return f"{address(context, request).replace('http', 'ws', 1)}{path}?token={ticket}"

    return {
        "/cloud/environment/{executor_id}/register": ("POST", _json(register)),
        "/cloud/executor/{executor_id}/register": ("POST", _json(register)),
        "/codex-exec/{executor_id}": ("GET", ForeignSocket(connect)),
        "/cloud/environment/{executor_id}/connect": ("POST", _json(connect_harness)),
        "/cloud/environment/{executor_id}/validate": ("POST", _json(validate_harness)),
        "/codex-exec/{executor_id}/harness": ("GET", ForeignSocket(open_harness)),
    }


def _executor_id(connection: HTTPConnection) -> str:
    executor_id: str = connection.path_params["executor_id"]
    return executor_id


def _registration(body: bytes, registration_id: str) -> Registration | None:
    """Read what an executor says of itself: nothing, for the plain relay. Raises BadRequest."""
    if not body:
        return None
    said = _decoded(body, _RegisterRequest)
    if said.security_profile is None:
        return None
    if said.executor_public_key is None:
        raise BadRequest("bad body")
    return Registration(registration_id, said.security_profile, said.executor_public_key)


def _shown(registration: Registration) -> dict[str, str]:
    return {
        "security_profile": registration.security_profile,
        "executor_registration_id": registration.id,
    }


def _assertion(request: Request) -> Assertion:
    """Read the header `Authorization`. Raises Unauthenticated."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    assertion = Assertion.decode(value) if scheme == _SCHEME else None
    if assertion is None:
        raise Unauthenticated("unauthorized")
    return assertion


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
