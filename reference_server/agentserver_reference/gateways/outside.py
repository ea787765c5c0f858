"""Calls to addresses that callers give: guarded where the connection is made.

A name is resolved once, and what is connected to is the address that was looked at, so that a name
whose address changes in between leads nowhere else. TLS and the Host header keep the name.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any, TypeAlias, TypeVar, cast

import anyio
import httpcore
import httpx
import msgspec

from agentserver_reference.domain.addresses import is_private
from agentserver_reference.gateways.failures import NotUnderstood, Unreachable, failure_of

T = TypeVar("T")
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Returns the IP addresses of a name, of which the first is the best. Raises OSError."""

TIMEOUT = 10.0
"""Seconds for a whole call."""
_MAX_BYTES = 1 << 20
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of a name, as the system finds them. See Resolve."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Outside:
    """Calls services at addresses that callers give. It keeps the connections, but no cookies."""

    def __init__(
        self,
        *,
        private_allowed: bool,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        """Set up without connecting.

        Arguments:
            private_allowed: whether the operator allows addresses of private networks.
            tls: what a server has to prove, and with what we do; by default, what `trusted` says.
            resolve: finds the addresses of names.
        """
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        transport = httpx.AsyncHTTPTransport(
            verify=tls or trusted(), limits=limits, trust_env=False
        )
        # httpx has no setting for it.
        self._guarded = _Guarded(resolve, private_allowed=private_allowed)
        transport._pool._network_backend = self._guarded
        self._client = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # Not compressed, so that a short answer is never a long one.
            headers={"user-agent": "agentserver", "accept-encoding": "identity"},
        )

    async def ask(
        self, method: str, url: str, form: type[T], *, timeout: float = TIMEOUT, **content: Any
    ) -> T:
        """Send a request, and return what its successful answer holds, which is JSON.

        Arguments:
            method: the HTTP method.
            url: the address, which `checked_address` has accepted.
            form: the type of what is returned, as msgspec reads it.
            timeout: seconds for the whole call.
            content: `headers`, `params`, `data` or `json`, as httpx takes them.

        Raises OutsideError.
        """
        status, body = await self.send(method, url, timeout=timeout, **content)
        if (failure := failure_of(status, body)) is not None:
            raise failure
        return decoded(body, form)

    async def send(
        self, method: str, url: str, *, timeout: float = TIMEOUT, **content: Any
    ) -> tuple[int, bytes]:
        """Send a request, and return status and body of the answer; see `exchange`."""
        response, body = await self.exchange(method, url, timeout=timeout, **content)
        return response.status_code, body

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        timeout: float = TIMEOUT,
        most: int = _MAX_BYTES,
        **content: Any,
    ) -> tuple[httpx.Response, bytes]:
        """Send a request, and return the answer and its body, whatever they are.

        Arguments:
            method: the HTTP method.
            url: see `ask`.
            timeout: see `ask`.
            most: bytes that the body may have.
            content: see `open`.

        Raises:
            Unreachable: there is no answer.
            NotUnderstood: the answer is not HTTP, or its body is longer.
        """
        try:
            with anyio.fail_after(timeout):
                response = await self.open(method, url, timeout=timeout, **content)
                try:
                    return response, await _read(response, most)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise Unreachable from None

    async def open(
        self, method: str, url: str, *, timeout: float | None = TIMEOUT, **content: Any
    ) -> httpx.Response:
        """Send a request, and return the answer as soon as its status is known.

        The caller closes it, and reads it within `failures`. A service may close a connection just
        when it is used again: what changes nothing is then sent again.

        Arguments:
            method: the HTTP method.
            url: see `ask`.
            timeout: seconds for each read and write; None: as long as it takes.
            content: see `ask`; or `content`, the body.

        Raises OutsideError.
        """
        limits = httpx.Timeout(timeout, connect=TIMEOUT, pool=None)
        with failures():
            while True:
                request = self._client.build_request(method, url, timeout=limits, **content)
                was_kept = _watch_connection(request)
                try:
                    return await self._client.send(request, stream=True)
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    if method not in _SAFE or content.get("content") or not was_kept():
                        raise

    async def connect(self, host: str, port: int) -> socket.socket:
        """Open a connection for another protocol, which the caller closes. Raises Unreachable."""
        try:
            with anyio.fail_after(TIMEOUT):
                return await self._guarded.first(host, port, lambda each: _connected(each, port))
        except (httpcore.ConnectError, OSError):
            raise Unreachable from None

    async def close(self) -> None:
        """Close the connections of HTTP."""
        await self._client.aclose()


def _watch_connection(request: httpx.Request) -> Callable[[], bool]:
    """Return what says whether a request was sent on a connection that was open before."""
    opened = False

    async def note(event: str, _: Mapping[str, Any]) -> None:
        nonlocal opened
        opened = opened or event == "connection.connect_tcp.started"

    request.extensions["trace"] = note
    return lambda: not opened


def trusted() -> ssl.SSLContext:
    """Return what servers have to prove: a certificate of an authority that browsers know.

    Or of one that the system knows, also by the variable SSL_CERT_FILE.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


@contextmanager
def failures() -> Iterator[None]:
    """Raise what fails inside, while an answer is read, as an OutsideError."""
    try:
        yield
    except (httpx.RemoteProtocolError, httpx.DecodingError):
        raise NotUnderstood from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        raise Unreachable from None


def decoded(body: bytes, form: type[T]) -> T:
    """Return what JSON of a service outside holds. Raises NotUnderstood."""
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, RecursionError):
        raise NotUnderstood from None


class _Guarded(httpcore.AsyncNetworkBackend):
    """Opens connections: to the addresses that it looked at, and to none of a private network."""

    def __init__(self, resolve: Resolve, *, private_allowed: bool) -> None:
        # httpcore has a class of this name without anything in it where there is no anyio.
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._resolve = resolve
        self._private_allowed = private_allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """See AsyncNetworkBackend."""

        async def connect(address: str) -> httpcore.AsyncNetworkStream:
            return await self._network.connect_tcp(
                address, port, None, local_address, socket_options
            )

        try:
            with anyio.fail_after(timeout):
                return await self.first(host, port, connect)
        except TimeoutError:
            raise httpcore.ConnectTimeout from None

    async def first(self, host: str, port: int, connect: Callable[[str], Awaitable[T]]) -> T:
        """Return the connection to the first address that may be called and answers.

        Raises what `connect` does: OSError, or ConnectError of httpcore.
        """
        failure: Exception = httpcore.ConnectError("no address that may be called")
        for address in await self._addresses(host, port):
            try:
                return await connect(address)
            except (httpcore.ConnectError, OSError) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError):
            return []
        return [each for each in found if self._private_allowed or not is_private(ip_address(each))]


async def _connected(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


async def _read(response: httpx.Response, most: int) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise NotUnderstood  # it was asked for uncompressed
    content = bytearray()
    with failures():
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > most:
                raise NotUnderstood
    return bytes(content)
