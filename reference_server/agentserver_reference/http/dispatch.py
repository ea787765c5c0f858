"""One exchange: route, security, query and body, handler, answer; and what every answer carries."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

import attrs
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agentserver_reference.call import Call
from agentserver_reference.context import Context
from agentserver_reference.contract import Operation
from agentserver_reference.domain.errors import Refusal
from agentserver_reference.http import responses as answers
from agentserver_reference.http.conformance import check_answer
from agentserver_reference.http.request import read_body, read_query
from agentserver_reference.http.routing import Router
from agentserver_reference.logs import LOGGER, event
from agentserver_reference.replies import Reply
from agentserver_reference.security.authorize import Access
from agentserver_reference.security.credentials import CredentialKind, find_credentials
from agentserver_reference.services.unit_of_work import UnitOfWork

Handler = Callable[[Call], Awaitable[Reply]]

REQUEST_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")

_logger = logging.getLogger(LOGGER)


@attrs.frozen
class Page:
    """An answer that is not of the contract, such as a file of the console."""

    answer: Callable[[dict[str, str]], Response]


@attrs.frozen
class Endpoint:
    """An operation of the contract and the function that carries it out."""

    operation: Operation
    handler: Handler
    kinds: Mapping[str, CredentialKind]
    """The credentials that the operation takes, in the contract's order."""


@attrs.frozen
class Dispatcher:
    """The ASGI application behind every path."""

    router: Router[Endpoint | Page]
    context: Context
    validate_responses: bool
    """Raise where an answer breaks the contract or a handler fails, instead of answering 500."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and log it."""
        started = perf_counter()
        request = Request(scope, receive)
        request_id = self._request_id(request)
        response = await self._answer(request, request_id)
        if response is None:
            return
        await response(scope, receive, send)
        event(
            _logger,
            logging.INFO,
            "answered",
            request_id=request_id,
            method=request.method,
            path=_raw_path(scope).decode("ascii", "backslashreplace"),
            status=response.status_code,
            ms=round((perf_counter() - started) * 1000, 1),
        )

    def _request_id(self, request: Request) -> str:
        given = request.headers.get("x-request-id", "")
        return given if REQUEST_ID.fullmatch(given) else self.context.ids()

    async def _answer(self, request: Request, request_id: str) -> Response | None:
        """The answer, or None for a caller who has hung up."""
        target: Endpoint | Page | None = None
        try:
            target, path = self.router.find(request.method, _raw_path(request.scope))
            if isinstance(target, Page):
                response = target.answer(path)
            else:
                response = answers.reply(await self._run(target, request, path, request_id))
        except Refusal as error:
            response = answers.refusal(error)
        except ClientDisconnect:
            return None
        except Exception:
            if self.validate_responses:
                raise
            _logger.exception("failed", extra={"event_fields": {"request_id": request_id}})
            response = answers.text(500, "internal error")
        response.headers["X-Request-Id"] = request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        if self.validate_responses and isinstance(target, Endpoint):
            check_answer(target.operation, response)
        return response

    async def _run(
        self, endpoint: Endpoint, request: Request, path: dict[str, str], request_id: str
    ) -> Reply:
        operation, context = endpoint.operation, self.context
        credentials = find_credentials(request.headers, endpoint.kinds)
        access = Access(operation, path, credentials, context.clock)
        principal = await context.store.read(access.check) if operation.schemes else None
        query = read_query(operation.query, request.query_params)
        body = await read_body(request, operation.body) if operation.body else None
        return await endpoint.handler(
            Call(
                operation=operation,
                work=UnitOfWork(context, access),
                request_id=request_id,
                path=path,
                query=query,
                body=body,
                principal=principal,
                credentials={one.scheme: one.secret for one in credentials},
            )
        )


def _raw_path(scope: Scope) -> bytes:
    """The path as it was sent; a server that does not tell gives the decoded one."""
    raw: bytes | None = scope.get("raw_path")
    return raw if raw is not None else scope["path"].encode()
