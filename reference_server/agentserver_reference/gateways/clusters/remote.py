"""Calls of clusters. Requests and answers are passed on while they arrive, but for credentials."""

from __future__ import annotations

import os
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from http import HTTPStatus
from tempfile import NamedTemporaryFile
from urllib.parse import urljoin

import attrs
import httpx

from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.gateways.clusters import Cluster, ClusterRequest, Declined
from agentserver_reference.gateways.clusters.sockets import ClusterSocket, open_socket
from agentserver_reference.gateways.failures import CredentialRefused, OutsideError
from agentserver_reference.gateways.outside import Outside, failures, trusted
from agentserver_reference.replies import Headers, PassThrough, end_to_end

MOST_KEPT = 32
"""How many of the identities by which clusters are called keep their connections."""

_CREDENTIALS = frozenset({"authorization", "cookie", "x-remote-user", "x-remote-group"})
_OF_THE_CONNECTION = frozenset({"host", "expect"})


@attrs.define(eq=False)
class _Identity:
    """What one credential's certificates are used with: a connection is of one identity only."""

    tls: ssl.SSLContext
    outside: Outside
    calls: int = 0
    """Those under way."""


class RemoteClusters:
    """Calls clusters. What a cluster says of the credential is never passed on."""

    def __init__(self, *, private_allowed: bool) -> None:
        self._private_allowed = private_allowed
        self._identities: OrderedDict[bytes, _Identity] = OrderedDict()

    async def send(self, cluster: Cluster, request: ClusterRequest) -> PassThrough:
        """Send a request, and return the answer as soon as its status is known.

        Raises BadGateway.
        """
        await self._close_unused()
        identity = self._identity(cluster)
        identity.calls += 1
        try:
            response = await self._open(identity.outside, cluster, request)
        except BaseException:
            identity.calls -= 1
            raise

        async def close() -> None:
            identity.calls -= 1
            await response.aclose()

        headers = _behind_us(tuple(response.headers.multi_items()), cluster, request)
        return PassThrough(response.status_code, headers, _chunks(response), close)

    async def connect(
        self, cluster: Cluster, request: ClusterRequest, subprotocols: Sequence[str]
    ) -> ClusterSocket | Declined:
        """Open a WebSocket, for which the cluster may choose one of these subprotocols.

        Raises BadGateway.
        """
        await self._close_unused()
        identity, url = self._identity(cluster), _url(cluster, request)
        headers = [
            (name, value)
            for name, value in _headers(cluster, request)
            if not name.lower().startswith("sec-websocket-") and name.lower() != "origin"
        ]
        try:
            opened = await open_socket(identity.outside, url, identity.tls, headers, subprotocols)
        except OutsideError as error:
            raise _failed(str(error)) from None
        if isinstance(opened, Declined):
            return attrs.evolve(opened, headers=_behind_us(opened.headers, cluster, request))
        return opened

    async def close(self) -> None:
        """Close the connections."""
        for identity in self._identities.values():
            await identity.outside.close()
        self._identities.clear()

    async def _open(
        self, outside: Outside, cluster: Cluster, request: ClusterRequest
    ) -> httpx.Response:
        try:
            response = await outside.open(
                request.method,
                _url(cluster, request),
                timeout=None,  # a watch may be silent for hours; the client says how long
                headers=_headers(cluster, request),
                content=request.body,
            )
            if response.status_code == HTTPStatus.UNAUTHORIZED:
                await response.aclose()
                raise CredentialRefused
        except OutsideError as error:
            raise _failed(str(error)) from None
        return response

    def _identity(self, cluster: Cluster) -> _Identity:
        """Return what has the connections to a cluster."""
        certificates = f"{cluster.authority}\0{cluster.certificate}"
        name = sha256(certificates.encode()).digest()
        found = self._identities.get(name)
        if found is None:
            tls = _tls(cluster)
            outside = Outside(private_allowed=self._private_allowed, tls=tls)
            found = self._identities[name] = _Identity(tls, outside)
        self._identities.move_to_end(name)
        return found

    async def _close_unused(self) -> None:
        """Close what has not been used for the longest time, if there is too much."""
        surplus = list(self._identities.items())[: max(0, len(self._identities) - MOST_KEPT)]
        for name, identity in surplus:
            if not identity.calls:
                del self._identities[name]
                await identity.outside.close()


def _url(cluster: Cluster, request: ClusterRequest) -> str:
    query = f"?{request.query}" if request.query else ""
    return f"{_root(cluster)}{request.path}{query}"


def _root(cluster: Cluster) -> str:
    return f"{cluster.server_url.rstrip('/')}/"


def _behind_us(headers: Headers, cluster: Cluster, request: ClusterRequest) -> Headers:
    """Return the headers of an answer, whose redirect leads to the cluster through this server.

    It is relative, because only the client knows how it reaches us.
    """
    root, up = _root(cluster), "../" * request.path.count("/") or "./"

    def led(location: str) -> str:
        try:
            target = urljoin(_url(cluster, request), location)
        except ValueError:
            return location
        return up + target.removeprefix(root) if target.startswith(root) else target

    return tuple(
        (name, led(value) if name.lower() == "location" else value) for name, value in headers
    )


def _headers(cluster: Cluster, request: ClusterRequest) -> list[tuple[str, str]]:
    """Return the client's headers without its credential, and with that of the cluster."""
    dropped = _CREDENTIALS | _OF_THE_CONNECTION
    kept = [
        (name, value)
        for name, value in end_to_end(request.headers)
        if name.lower() not in dropped
        # Without a body httpx says so itself.
        and (request.body is not None or name.lower() != "content-length")
    ]
    own = [] if cluster.token is None else [("authorization", f"Bearer {cluster.token}")]
    return kept + own


def _tls(cluster: Cluster) -> ssl.SSLContext:
    """Return what a cluster has to prove, and with what we do. Raises BadGateway."""
    try:
        context = trusted() if cluster.authority is None else _trusting(cluster.authority)
        if cluster.certificate is not None:
            with _file_of(cluster.certificate) as path:
                # Without a password, OpenSSL would ask for one at the terminal.
                context.load_cert_chain(path, password="")
    except (ssl.SSLError, ValueError, OSError):
        raise BadGateway("the certificates of the credential cannot be read") from None
    return context


def _trusting(authority: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority)
    # Python 3.13 asks of certificates what those of many clusters lack.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


@contextmanager
def _file_of(text: str) -> Iterator[str]:
    """Make a file for what only reads files: in memory, where the system has such files."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("certificate"), "w") as memory:
            memory.write(text)
            memory.flush()
            yield f"/proc/self/fd/{memory.fileno()}"
    else:
        with NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            yield file.name


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        with failures():
            async for chunk in response.aiter_raw():
                yield chunk
    except OutsideError:
        raise _failed("broke off its answer") from None


def _failed(how: str) -> BadGateway:
    return BadGateway(f"the cluster {how}")
