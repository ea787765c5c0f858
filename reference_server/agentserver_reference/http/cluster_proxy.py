"""The proxy by which what runs in a sandbox calls the clusters of its workspace.

It is not part of the contract: Kubernetes defines what is sent, and its clients are pointed here.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import attrs
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from agentserver_reference.context import Context
from agentserver_reference.domain.credentials import KINDS, SANDBOX_TOKEN, SANDBOX_USER
from agentserver_reference.domain.errors import BadRequest, Refusal
from agentserver_reference.gateways.clusters import ClusterRequest, Declined
from agentserver_reference.http.disconnects import while_connected, while_sending
from agentserver_reference.http.dispatch import ForeignEndpoint, ForeignSocket
from agentserver_reference.http.responses import NotImplementedHere, refusal
from agentserver_reference.http.streams import pass_through
from agentserver_reference.replies import Upgrade, end_to_end
from agentserver_reference.services import cluster_calls, cluster_sockets
from agentserver_reference.services.cluster_calls import Caller
from agentserver_reference.services.unit_of_work import UnitOfWork

_BEFORE_THE_BEARER = "base64url.bearer.authorization.k8s.io."
"""Begins the subprotocol in which those who can set no headers send a token to Kubernetes."""

_UPGRADING = frozenset({"attach", "exec", "portforward"})
"""What Kubernetes does in upgraded connections only: without one, it says what is against it."""

_IMPERSONATED = "impersonate-user"
_TOKEN_OF_IMPERSONATED = f"impersonate-extra-{SANDBOX_TOKEN}"

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def endpoints(context: Context) -> dict[str, ForeignEndpoint]:
    """Return what responds to all methods of each path."""
    return {
        f"/{kind}/{{binding_id}}{rest}": _endpoint(context, kind)
        for kind in sorted(KINDS)
        for rest in ("", "/{path...}")
    }


def _endpoint(context: Context, kind: str) -> ForeignEndpoint:
    async def respond(request: Request, _: str) -> Response:
        try:
            return await _respond(UnitOfWork(context), kind, request)
        except Refusal as error:
            return refusal(error)

    async def upgrade(socket: WebSocket) -> Upgrade | Response:
        return await _upgrade(UnitOfWork(context), kind, socket)

    return ForeignEndpoint(respond, ForeignSocket(upgrade))


async def _respond(work: UnitOfWork, kind: str, request: Request) -> Response:
    headers = request.headers
    token = _token_of(headers)
    caller = await cluster_calls.find(work, token, kind, request.path_params["binding_id"])
    if "upgrade" in headers:
        return await _refuse_upgrade(work, caller, request)
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    sent = _passed_on(request, request.method)
    if has_body:
        answer = while_sending(
            request,
            lambda body: cluster_calls.send(work, caller, attrs.evolve(sent, body=body)),
        )
    else:
        answer = while_connected(request, cluster_calls.send(work, caller, sent))
    return pass_through(await answer)


async def _refuse_upgrade(work: UnitOfWork, caller: Caller, request: Request) -> Response:
    """Return why there is no SPDY, which kubectl also tries where it is refused a WebSocket.

    So what is shown is what the cluster has against it, if it has anything. Raises
    NotImplementedHere.
    """
    if _path_below(request).rpartition("/")[2] in _UPGRADING:
        sending = cluster_calls.send(work, caller, _passed_on(request, request.method))
        answer = await while_connected(request, sending)
        if answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            return pass_through(answer)
        await answer.close()
    # kubectl takes what could be YAML for an object, and then shows nothing of it.
    raise NotImplementedHere(
        "only WebSockets are passed on, as kubectl sends them from 1.30 on (port-forward 1.31)"
    )


async def _upgrade(work: UnitOfWork, kind: str, socket: WebSocket) -> Upgrade | Response:
    offered = socket.scope["subprotocols"]
    token = _token_of(socket.headers) or _token_among(offered)
    caller = await cluster_calls.find(work, token, kind, socket.path_params["binding_id"])
    subprotocols = [each for each in offered if not each.startswith(_BEFORE_THE_BEARER)]
    sent = _passed_on(socket, "GET")
    opening = cluster_sockets.connect(work, caller, sent, subprotocols)
    opened = await while_connected(socket, opening)
    return opened if isinstance(opened, Upgrade) else _declined(opened)


def _declined(answer: Declined) -> Response:
    """Return the response that refuses a WebSocket as the cluster does."""
    headers = [each for each in end_to_end(answer.headers) if each[0].lower() != "content-length"]
    response = Response(answer.body, answer.status)
    response.raw_headers += [(name.lower().encode(), value.encode()) for name, value in headers]
    return response


def _passed_on(connection: HTTPConnection, method: str) -> ClusterRequest:
    """Return what the cluster is sent, without a body. Raises BadRequest."""
    return ClusterRequest(
        method=method,
        path=_path_below(connection),
        query=connection.url.query,
        headers=tuple(
            (name, value)
            for name, value in connection.headers.items()
            if name != _TOKEN_OF_IMPERSONATED and (name, value) != (_IMPERSONATED, SANDBOX_USER)
        ),
        body=None,
    )


def _path_below(request: HTTPConnection) -> str:
    """Return the path on the cluster, as it was sent. Raises BadRequest."""
    segments = request.path_params.get("path", "").split("/")
    if not {".", ".."}.isdisjoint(segments):
        # What is at the address of the cluster is the credential's, what is above it is not.
        raise BadRequest("path: must not contain . or ..")
    raw: bytes = request.scope["raw_path"]
    if not raw.isascii():
        raise BadRequest("path: must be percent-encoded")
    return "/".join(raw.decode().split("/")[3:])


def _token_of(headers: Mapping[str, str]) -> str | None:
    """Return the token of a sandbox: a bearer token, a password, or of whom it impersonates."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if not scheme:
        return headers.get(_TOKEN_OF_IMPERSONATED)
    if scheme.lower() == "bearer":
        return given.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(given, validate=True).decode().partition(":")[2] or None
    except ValueError:
        return None


def _token_among(subprotocols: Sequence[str]) -> str | None:
    """Return the token that is offered as a subprotocol."""
    for each in subprotocols:
        _, found, given = each.partition(_BEFORE_THE_BEARER)
        if found:
            try:
                return urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode() or None
            except ValueError:
                return None
    return None
