"""The operations that need a service for messages, where an IM bridge has the services.

They are permitted and validated here, and carried out there, in the same database. What the bridge
says of a failure is not passed on: it may hold a token.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

import msgspec

from agentserver_reference.call import Call
from agentserver_reference.contract import JSON, Contract, Operation
from agentserver_reference.domain.errors import (
    BadGateway,
    BadRequest,
    Conflict,
    Forbidden,
    Refusal,
    ServiceUnavailable,
)
from agentserver_reference.domain.sessions import COOKIE_NAME
from agentserver_reference.gateways.im.remote import POLL_TIMEOUT, TIMEOUT, RemoteIm
from agentserver_reference.http.dispatch import Handler
from agentserver_reference.replies import Reply
from agentserver_reference.security.session import SCHEME

_TAG = "im"
_REFUSALS: dict[tuple[str, int], Refusal] = {
    ("configure_telegram_channel", 400): BadRequest("bot_token: Telegram does not accept it"),
    ("configure_matrix_channel", 400): BadRequest(
        "homeserver_url, access_token: the homeserver is not allowed, or does not accept them"
    ),
    ("wait_weixin_qr_login", 400): BadRequest("no active weixin login session"),
    ("wait_weixin_qr_login", 409): Conflict("login already processed"),
}
_REFUSALS_OF_ALL: dict[int, Refusal] = {
    403: Forbidden("insufficient permissions"),
    502: BadGateway("the service cannot be reached"),
    503: ServiceUnavailable("messages not configured"),
}
_LIMITS = {"wait_weixin_qr_login": POLL_TIMEOUT}
"""Seconds for the operations that take long."""


def handlers(contract: Contract, bridge: RemoteIm) -> dict[str, Handler]:
    """Return the handlers of the operations that need a service, by `tag.operationId`."""

    async def pass_on(call: Call) -> Reply:
        operation = call.operation
        escaped = {name: quote(value, safe="") for name, value in call.path.items()}
        status, body = await bridge.pass_on(
            operation.path.format_map(escaped),
            call.body,
            {
                "cookie": f"{COOKIE_NAME}={call.credentials[SCHEME]}",
                "x-request-id": call.request_id,
            },
            within=_LIMITS.get(operation.id, TIMEOUT),
        )
        return Reply(status, _read(operation, status, body))

    return {
        f"{operation.tag}.{operation.id}": pass_on
        for operation in contract.operations
        if operation.tag == _TAG and HTTPStatus.BAD_GATEWAY in operation.responses
    }


def _read(operation: Operation, status: int, body: bytes) -> object:
    """Return what a successful answer holds. Raises the Refusal that any other one stands for."""
    refused = _REFUSALS.get((operation.id, status)) or _REFUSALS_OF_ALL.get(status)
    if refused is not None:
        raise type(refused)(refused.line)
    not_understood = BadGateway("the IM bridge gave an answer that was not understood")
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise not_understood from None
    documented = operation.responses.get(status)
    if documented is None or not documented.content[JSON]().is_valid(value):
        raise not_understood
    return value
