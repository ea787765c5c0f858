"""The endpoints of OAuth 2.0 for programs: RFC 8628, RFC 6749 and RFC 7009.

They are not part of the contract. Errors have the form of the RFCs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from agentserver_reference.context import Context
from agentserver_reference.domain.errors import Refusal
from agentserver_reference.gateways.oauth.protocol import Answer, Form
from agentserver_reference.http.forms import read_form
from agentserver_reference.http.responses import STATUSES, refusal

PAGE = "/oauth2/device"
"""Where a person approves."""

_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}

Respond = Callable[[Request, str], Awaitable[Response]]
_Ask = Callable[[Form, Request], Awaitable[Answer]]


def endpoints(context: Context) -> dict[str, Respond]:
    """Return what responds to POST of each path."""
    oauth = context.oauth

    def authorize(form: Form, request: Request) -> Awaitable[Answer]:
        return oauth.authorize_device(form, address(context, request) + PAGE)

    return {
        "/api/oauth2/device/auth": _endpoint(authorize),
        "/api/oauth2/token": _endpoint(lambda form, _: oauth.token(form)),
        "/api/oauth2/revoke": _endpoint(lambda form, _: oauth.revoke(form)),
    }


def address(context: Context, request: Request) -> str:
    """Return the address of this server for browsers, without a slash at its end."""
    return context.settings.public_url or str(request.base_url).rstrip("/")


def _endpoint(ask: _Ask) -> Respond:
    async def respond(request: Request, _: str) -> Response:
        try:
            answer = await ask(await read_form(request), request)
        except Refusal as error:
            return _refused(error)
        return _json(answer.status, answer.body)

    return respond


def _refused(error: Refusal) -> Response:
    status = STATUSES[type(error)]
    # RFC 6749, section 5.2: 400 for whatever is wrong with a request.
    status, code = (400, "invalid_request") if status < 500 else (status, "temporarily_unavailable")
    body = msgspec.json.encode({"error": code, "error_description": error.line})
    response = _json(status, body)
    copy_limits(error, response)
    return response


def copy_limits(error: Refusal, response: Response) -> None:
    """Give a response the headers that say when, and on which connection, to ask again."""
    plain = refusal(error)
    for name in ("Retry-After", "Connection"):
        if name in plain.headers:
            response.headers[name] = plain.headers[name]


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, _HEADERS, media_type="application/json")
