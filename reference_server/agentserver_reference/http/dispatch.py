"""The ASGI application: routing, authorisation, validation, handler, response."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

import attrs
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from agentserver_reference.call import Call
from agentserver_reference.context import Context
from agentserver_reference.contract import Operation
from agentserver_reference.domain.errors import DatabaseUnavailable, NotFound, Refusal
from agentserver_reference.http import responses, websocket
from agentserver_reference.http.conformance import check_response
from agentserver_reference.http.disconnects import while_connected
from agentserver_reference.http.request import read_body, read_headers, read_query
from agentserver_reference.http.responses import UpgradeRequired
from agentserver_reference.http.routing import Router
from agentserver_reference.logs import LOGGER, event, failure
from agentserver_reference.replies import AnyReply, Upgrade, WhileConnected
from agentserver_reference.security.authorize import Access
from agentserver_reference.security.credentials import CredentialKind, find_credentials, look_up
from agentserver_reference.services.unit_of_work import UnitOfWork

Handler = Callable[[Call], Awaitable[AnyReply]]

REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")

_NOSNIFF = (b"x-content-type-options", b"nosniff")

_logger = logging.getLogger(LOGGER)


@attrs.frozen
class ForeignSocket:
    """A WebSocket that others have defined."""

    upgrade: Callable[[WebSocket], Awaitable[Upgrade | Response]]
    """Takes the WebSocket, which is not accepted yet; a response refuses it."""


@attrs.frozen
class ForeignEndpoint:
    """An endpoint of an API that others have defined, which has its own form of errors."""

    respond: Callable[[Request, str], Awaitable[Response]]
    """Takes the request and its id."""
    socket: ForeignSocket | None = None
    """What WebSockets get at the same path."""


@attrs.frozen
class Endpoint:
    """An operation of the contract, with its handler."""

    operation: Operation
    handler: Handler
    kinds: Mapping[str, CredentialKind]
    """The kinds of credential that the operation accepts, in the order of the contract."""


@attrs.frozen
class Page:
    """A page outside of the contract, such as a file of the console."""

    respond: Callable[[Request, dict[str, str]], Response]
    """Takes the request and the parameters of its path."""
    socket: ForeignSocket | None = None
    """What WebSockets get at the same path."""


Target = Endpoint | ForeignEndpoint | ForeignSocket | Page


@attrs.frozen
class Dispatcher:
    """Handles every request and every WebSocket."""

    router: Router[Target]
    context: Context
    validate_responses: bool
    """Raise unexpected errors and invalid responses, instead of responding with 500."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or WebSocket, and log it."""
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send))
        else:
            await self._serve_request(Request(scope, receive), send)

    async def _serve_request(self, request: Request, send: Send) -> None:
        started = perf_counter()
        request_id = self._request_id(request)
        target: Target | None = None
        try:
            target, path = self.router.find(request.method, _raw_path(request.scope))
            if isinstance(target, Page):
                response = target.respond(request, path)
            elif isinstance(target, ForeignSocket):
                raise _only_sockets()
            elif isinstance(target, ForeignEndpoint):
                request.scope["path_params"] = path
                response = await target.respond(request, request_id)
            else:
                response = await self._answer(target, request, path, request_id)
        except DatabaseUnavailable as error:
            # Documented once for all operations, not with each of them.
            target, response = None, responses.refusal(error)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - it is logged or raised there
            response = self._error(error, request_id)
        self._complete(response, target, request_id)
        if request.method == "HEAD":
            send = responses.without_body(send)
        outcome: dict[str, int | str] = {"status": response.status_code}
        # Where it fails a part is sent already, so the ASGI server aborts the connection.
        try:
            await response(request.scope, request.receive, send)
        except Refusal as refusal:
            outcome["broken_off"] = refusal.line
        except Exception as error:
            if self.validate_responses:
                raise
            failure(_logger, error, request_id=request_id)
        self._log("answered", request, request_id, started, **outcome)

    async def _answer(
        self, endpoint: Endpoint, request: Request, path: dict[str, str], request_id: str
    ) -> Response:
        if endpoint.operation.is_websocket:
            raise _only_sockets()
        reply = await endpoint.handler(await self._call(endpoint, request, path, request_id))
        if isinstance(reply, WhileConnected):
            reply = await while_connected(request, reply.make())
        if isinstance(reply, Upgrade):
            raise TypeError(f"{endpoint.operation.id} upgrades, and documents no 101")
        return responses.respond(reply, self.context.stopping)

    async def _serve_socket(self, socket: WebSocket) -> None:
        started = perf_counter()
        request_id = self._request_id(socket)
        target: Target | None = None
        try:
            target, path = self.router.find("GET", _raw_path(socket.scope))
            reply = await self._upgrade(target, socket, path, request_id)
        except ClientDisconnect:
            await socket.close()  # the ASGI server takes it for an error if nothing is said
            return
        except Exception as error:  # noqa: BLE001 - it is logged or raised there
            if isinstance(error, DatabaseUnavailable):
                target = None  # as above
            reply = self._error(error, request_id)
        if isinstance(reply, Response):
            self._complete(reply, target, request_id)
            await websocket.refuse(socket, reply)
            self._log("refused", socket, request_id, started, status=reply.status_code)
            return
        accepted = Response(status_code=websocket.SWITCHING_PROTOCOLS)
        self._complete(accepted, target, request_id)
        code = await websocket.converse(socket, reply, accepted.headers, request_id)
        self._log("closed", socket, request_id, started, code=code)

    async def _upgrade(
        self, target: Target, socket: WebSocket, path: dict[str, str], request_id: str
    ) -> Upgrade | Response:
        origins = self.context.settings.public_url
        if isinstance(target, Page | ForeignEndpoint) and target.socket is not None:
            target = target.socket
        if isinstance(target, ForeignSocket):
            websocket.check_origin(socket.headers, origins)
            socket.scope["path_params"] = path
            return await target.upgrade(socket)
        if not isinstance(target, Endpoint) or not target.operation.is_websocket:
            raise NotFound("not found")
        websocket.check_origin(socket.headers, origins)
        reply = await target.handler(await self._call(target, socket, path, request_id))
        if not isinstance(reply, Upgrade):
            raise TypeError(f"{target.operation.id} documents 101, and does not upgrade")
        return reply

    async def _call(
        self,
        endpoint: Endpoint,
        connection: Request | WebSocket,
        path: dict[str, str],
        request_id: str,
    ) -> Call:
        """Authorise the call, and read and validate its parameters and body."""
        operation, context = endpoint.operation, self.context
        credentials = find_credentials(connection.headers, endpoint.kinds)
        if any(one.kind.look_up for one in credentials):
            credentials = await look_up(credentials, context)
        access = Access(operation, path, credentials, context.clock)
        body = None
        if operation.workspace_field is not None and isinstance(connection, Request):
            await context.store.read(access.check_credentials)
            query = read_query(operation.query, connection.query_params)
            body = await self._body(operation, connection)
            access.named_workspace = (query | (body or {}))[operation.workspace_field]
        principal = await context.store.read(access.check) if operation.schemes else None
        if principal is not None and principal.note_use is not None:
            await context.store.write(principal.note_use)
        # The query string is parsed only for operations with query parameters.
        query = read_query(operation.query, connection.query_params) if operation.query else {}
        headers = read_headers(operation.headers, connection.headers) if operation.headers else {}
        if body is None and isinstance(connection, Request):
            body = await self._body(operation, connection)
        return Call(
            operation=operation,
            work=UnitOfWork(context, access),
            request_id=request_id,
            host=connection.headers.get("host", ""),
            path=path,
            query=query,
            headers=headers,
            body=body,
            principal=principal,
            credentials={one.scheme: one.secret for one in credentials},
        )

    async def _body(self, operation: Operation, request: Request) -> dict[str, Any] | None:
        return None if operation.body is None else await read_body(request, operation.body)

    def _request_id(self, connection: HTTPConnection) -> str:
        given = connection.headers.get("x-request-id", "")
        return given if REQUEST_ID.fullmatch(given) else self.context.ids()

    def _error(self, error: Exception, request_id: str) -> Response:
        """Return the response for an error, which is logged if it is unexpected."""
        if isinstance(error, Refusal):
            return responses.refusal(error)
        if self.validate_responses:
            raise error
        failure(_logger, error, request_id=request_id)
        return responses.text(500, "internal error")

    def _complete(self, response: Response, target: Target | None, request_id: str) -> None:
        """Add the headers of every response."""
        response.raw_headers += ((b"x-request-id", request_id.encode()), _NOSNIFF)
        if self.validate_responses and isinstance(target, Endpoint):
            check_response(target.operation, response)

    def _log(
        self,
        message: str,
        connection: HTTPConnection,
        request_id: str,
        started: float,
        **outcome: int | str,
    ) -> None:
        if not _logger.isEnabledFor(logging.INFO):
            return
        event(
            _logger,
            logging.INFO,
            message,
            request_id=request_id,
            method=connection.scope.get("method", "GET"),
            path=_raw_path(connection.scope).decode("ascii", "backslashreplace"),
            **outcome,
            ms=round((perf_counter() - started) * 1000, 1),
        )


def _only_sockets() -> UpgradeRequired:
    return UpgradeRequired("only WebSockets are served here")


def _raw_path(scope: Scope) -> bytes:
    """Return the path as it was sent, or decoded if the ASGI server does not provide that."""
    raw: bytes | None = scope.get("raw_path")
    return raw if raw is not None else scope["path"].encode()
