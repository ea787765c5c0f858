"""The proxy by which what runs in a sandbox calls the clusters of its workspace.

It is not part of the contract: Kubernetes defines what is sent, and its clients are pointed here.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping

import attrs
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from agentserver_reference.context import Context
from agentserver_reference.domain.credentials import KINDS
from agentserver_reference.domain.errors import BadRequest, Refusal
from agentserver_reference.gateways.clusters import ClusterRequest
from agentserver_reference.http.disconnects import while_connected, while_sending
from agentserver_reference.http.dispatch import ForeignEndpoint, ForeignSocket
from agentserver_reference.http.responses import NotImplementedHere, refusal
from agentserver_reference.http.streams import pass_through
from agentserver_reference.replies import Upgrade
from agentserver_reference.services import cluster_calls
from agentserver_reference.services.unit_of_work import UnitOfWork

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

    return ForeignEndpoint(respond, ForeignSocket(_refuse_socket))


async def _respond(work: UnitOfWork, kind: str, request: Request) -> Response:
    headers = request.headers
    token = _token_of(headers)
    caller = await cluster_calls.find(work, token, kind, request.path_params["binding_id"])
    if "upgrade" in headers:
        raise _no_upgrade()
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    sent = ClusterRequest(
        method=request.method,
        path=_path_below(request),
        query=request.url.query,
        headers=tuple(headers.items()),
        body=None,
    )
    if has_body:
        answer = while_sending(
            request,
            lambda body: cluster_calls.send(work, caller, attrs.evolve(sent, body=body)),
        )
    else:
        answer = while_connected(request, cluster_calls.send(work, caller, sent))
    return pass_through(await answer)


async def _refuse_socket(_: WebSocket) -> Upgrade:
    raise _no_upgrade()


def _no_upgrade() -> NotImplementedHere:
    return NotImplementedHere("exec, attach and port-forward are not passed on, only requests are")


def _path_below(request: Request) -> str:
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
    """Return the token of a sandbox, as a bearer token or as a password.

    kubectl sends no bearer token over plain HTTP, but the password that is in an address.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(given, validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None
