"""The route by which what runs in a sandbox answers the people of its channel.

It is not part of the contract: what runs there has defined it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from agentserver_reference.context import Context
from agentserver_reference.domain.errors import BadGateway, BadRequest, NotFound, Refusal
from agentserver_reference.gateways.im.remote import RemoteIm
from agentserver_reference.http.request import MAX_BYTES, read_bytes
from agentserver_reference.http.responses import refusal
from agentserver_reference.services import im_sandboxes
from agentserver_reference.services.unit_of_work import UnitOfWork

Respond = Callable[[Request, str], Awaitable[Response]]


class _Reply(msgspec.Struct):
    to_user_id: str
    text: str


def endpoints(context: Context) -> dict[str, Respond]:
    """Return what responds to POST of each path."""
    work = UnitOfWork(context)

    async def send(request: Request, _: str) -> Response:
        try:
            return await _send(work, request)
        except Refusal as error:
            return refusal(error)

    return {"/api/internal/nanoclaw/{sandbox_id}/im/send": send}


async def _send(work: UnitOfWork, request: Request) -> Response:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    channel = await im_sandboxes.channel_of(
        work, request.path_params["sandbox_id"], secret if scheme.lower() == "bearer" else ""
    )
    try:
        reply = msgspec.json.decode(await read_bytes(request, MAX_BYTES), type=_Reply)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the body must be JSON with to_user_id and text") from None
    if not reply.to_user_id or not reply.text:
        raise BadRequest("to_user_id and text: must not be empty")
    if isinstance(work.context.im, RemoteIm):
        await _pass_on(work.context.im, request, reply)
    else:
        await im_sandboxes.send(work, channel, reply.to_user_id, reply.text)
    return Response(b'{"status":"sent"}\n', media_type="application/json")


async def _pass_on(bridge: RemoteIm, request: Request, reply: _Reply) -> None:
    """Send by the IM bridge, which checks the secret again. Raises NotFound and BadGateway."""
    path = quote(request.scope["path"], safe="/")
    headers = {"authorization": request.headers["authorization"]}
    status, _ = await bridge.pass_on(path, msgspec.to_builtins(reply), headers)
    if status == HTTPStatus.NOT_FOUND:
        raise NotFound(im_sandboxes.UNKNOWN_PERSON)
    if status != HTTPStatus.OK:
        raise BadGateway(im_sandboxes.NOT_TAKEN)
