"""Responses, from the results of handlers and from errors."""

from __future__ import annotations

from asyncio import Event as Flag
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Send

from agentserver_reference.domain import errors
from agentserver_reference.http.request import OutOfRange, PayloadTooLarge, UnsupportedMediaType
from agentserver_reference.http.routing import MethodNotAllowed
from agentserver_reference.http.streams import event_stream, pass_through
from agentserver_reference.replies import EventStream, PassThrough, Redirect, Reply

JSON = "application/json"
TEXT = "text/plain"
LONGEST_LINE = 999

_JSON_HEADER = (b"content-type", JSON.encode())


class UpgradeRequired(errors.Refusal):
    """The path only accepts WebSockets."""


class NotImplementedHere(errors.Refusal):
    """What is asked for exists, but not in this server."""


_encode = msgspec.json.Encoder().encode

STATUSES: dict[type[errors.Refusal], int] = {
    errors.BadRequest: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.QuotaExceeded: 403,
    errors.BudgetExceeded: 403,
    errors.NotFound: 404,
    MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.Gone: 410,
    PayloadTooLarge: 413,
    UnsupportedMediaType: 415,
    OutOfRange: 422,
    UpgradeRequired: 426,
    errors.TooManyRequests: 429,
    errors.NotConfigured: 501,
    NotImplementedHere: 501,
    errors.BadGateway: 502,
    errors.ServiceUnavailable: 503,
    errors.DatabaseUnavailable: 503,
}


class _JsonResponse(Response):
    """A response whose headers are known, so that nothing has to be found out."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _JSON_HEADER]


def respond(reply: Reply | Redirect | EventStream | PassThrough, stopping: Flag) -> Response:
    """Return the response for the result of a handler.

    Arguments:
        reply: the result; an `Upgrade` is handled elsewhere.
        stopping: set when the server stops, which ends streams of events.
    """
    match reply:
        case Reply(status, body, headers):
            # Without a body, there is no Content-Type.
            response = Response(status_code=status) if body is None else _json(status, body)
        case Redirect(location, status, headers):
            response = RedirectResponse(location, status)
        case EventStream():
            return event_stream(reply, stopping)
        case PassThrough():
            return pass_through(reply)
    for name, value in headers:
        response.headers.append(name, value)
    return response


def refusal(error: errors.Refusal) -> Response:
    """Return the response for an error: a line of text, or JSON where the contract says so."""
    status = STATUSES[type(error)]
    form = _FORMS.get(type(error))
    return form(status, error) if form else text(status, error.line)


def without_body(send: Send) -> Send:
    """Return what sends a response to HEAD: all of it except for the body."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


def text(status: int, line: str) -> Response:
    """Return a response with one line of text; line breaks in it become spaces."""
    line = " ".join(line.split())[:LONGEST_LINE]
    return Response(line + "\n", status, media_type=TEXT)


def _quota(status: int, error: Any) -> Response:
    quota = {"current": error.current, "max": error.maximum}
    return _json(status, {"error": "quota_exceeded", "message": error.line, "quota": quota})


def _budget(status: int, error: Any) -> Response:
    return _json(status, {"error": "resource_budget_exceeded", "message": error.line})


def _allowed_methods(status: int, error: Any) -> Response:
    response = text(status, error.line)
    response.headers["Allow"] = error.allow
    return response


def _upgrade(status: int, error: Any) -> Response:
    response = text(status, error.line)
    response.headers["Upgrade"] = "websocket"
    return response


def _retry_after(status: int, error: Any) -> Response:
    response = text(status, error.line)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _closing(status: int, error: Any) -> Response:
    """The rest of the body is not read, so the connection cannot be used again."""
    response = text(status, error.line)
    response.headers["Connection"] = "close"
    return response


_FORMS: dict[type[errors.Refusal], Callable[[int, Any], Response]] = {
    errors.QuotaExceeded: _quota,
    errors.BudgetExceeded: _budget,
    MethodNotAllowed: _allowed_methods,
    errors.DatabaseUnavailable: _retry_after,
    errors.TooManyRequests: _retry_after,
    PayloadTooLarge: _closing,
    UpgradeRequired: _upgrade,
}


def _json(status: int, body: Any) -> Response:
    return _JsonResponse(status, _encode(body))
