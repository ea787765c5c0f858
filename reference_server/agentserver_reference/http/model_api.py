"""The APIs of language models, as Anthropic and OpenAI have defined them.

They are not part of the contract. Errors have the form of the API that was called.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from agentserver_reference.context import Context
from agentserver_reference.domain.errors import Refusal
from agentserver_reference.domain.model_apis import (
    ROUTES,
    ModelApi,
    ModelRoute,
    api_of,
    token_of,
)
from agentserver_reference.gateways.models.protocol import ModelRequest
from agentserver_reference.http.disconnects import while_connected
from agentserver_reference.http.request import UnsupportedMediaType, read_bytes
from agentserver_reference.http.responses import STATUSES, refusal
from agentserver_reference.http.streams import pass_through
from agentserver_reference.services import model_calls
from agentserver_reference.services.unit_of_work import UnitOfWork

MAX_BYTES = 10 * 1024 * 1024

Respond = Callable[[Request, str], Awaitable[Response]]


def endpoints(context: Context) -> dict[str, tuple[str, Respond]]:
    """Return what responds to each path, and to which method."""
    return {path: (route.method, _endpoint(context, path, route)) for path, route in ROUTES.items()}


def _endpoint(context: Context, path: str, route: ModelRoute) -> Respond:
    async def respond(request: Request, request_id: str) -> Response:
        api = api_of(route, request.headers)
        try:
            return await _respond(UnitOfWork(context), path, route, api, request)
        except Refusal as error:
            return _error(api, error, request_id)

    return respond


async def _respond(
    work: UnitOfWork, path: str, route: ModelRoute, api: ModelApi, request: Request
) -> Response:
    caller = await model_calls.authenticate(work, token_of(request.headers))
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Content-Encoding: must be left out, bodies are not unpacked")
    sent = ModelRequest(
        api=api,
        method=request.method,
        path=path,
        query=request.scope["query_string"].decode("latin-1"),
        headers=tuple(request.headers.items()),
        body=await read_bytes(request, MAX_BYTES),
    )
    answer = model_calls.answer(work, route, sent, caller, request.headers)
    return pass_through(await while_connected(request, answer))


def _error(api: ModelApi, error: Refusal, request_id: str) -> Response:
    plain = refusal(error)
    body = msgspec.json.encode(api.error(STATUSES[type(error)], error.line, request_id))
    response = Response(body, plain.status_code, media_type="application/json")
    for name in ("Retry-After", "Connection"):
        if name in plain.headers:
            response.headers[name] = plain.headers[name]
    return response
