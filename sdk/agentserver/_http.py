"""Sending and receiving: the one module that imports httpx, itself imported by the first request.

Requests go straight to httpx's transports: its client would keep cookies, prepare redirects and log
URLs, all of which is decided elsewhere here. No exception of httpx leaves this module, and none of
its frames, which hold headers, can be reached from an error of ours: they are caught in a function
that returns a `Failure`.
"""

from __future__ import annotations

import platform
import ssl
import sys
import threading
from asyncio import Lock
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Generic, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx
from attrs import define, field

from ._auth import COOKIE_NAME
from ._errors import ConfigurationError
from ._logging import quiet, quieten_libraries
from ._options import AsyncTransport, Connection, Origin, Timeout, Transport
from ._secret import Secret
from ._transport import Failure, Kind, Reply, Send
from ._version import __version__

quieten_libraries()

T = TypeVar("T")

USER_AGENT = (
    f"agentserver-python/{__version__} "
    f"({platform.python_implementation().lower()} {platform.python_version()}; "
    f"{sys.platform}; httpx/{httpx.__version__})"
)

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)

# From the particular to the general: the first class that fits tells what happened.
_KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (httpx.ConnectTimeout, "connect timeout"),
    (httpx.PoolTimeout, "pool timeout"),
    (httpx.WriteTimeout, "write timeout"),
    (httpx.TimeoutException, "read timeout"),
    (httpx.ConnectError, "connect"),
    (httpx.ProxyError, "proxy"),
    (httpx.LocalProtocolError, "protocol"),
    (httpx.UnsupportedProtocol, "protocol"),
    (httpx.InvalidURL, "protocol"),
    (httpx.HTTPError, "broken"),
    (httpx.StreamError, "broken"),
    (OSError, "broken"),
)
_EXPECTED = tuple(kind for kind, _ in _KINDS)


class _Left(dict[str, float]):
    """httpx's four timeouts, each cut, at the moment it begins, to what is left of the deadline."""

    def __init__(self, timeout: Timeout, ends: float, clock: Callable[[], float]) -> None:
        super().__init__(
            connect=timeout.connect, read=timeout.read, write=timeout.write, pool=timeout.pool
        )
        self._ends = ends
        self._clock = clock

    def get(self, phase: str, default: object = None) -> float | None:  # type: ignore[override]
        """Seconds for the phase; None for ever."""
        left = min(self[phase], self._ends - self._clock())
        # Not quite nothing even when time is up: 0 would mean "do not block", another error.
        return None if left == inf else max(0.001, left)

    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self._clock() >= self._ends


def _request(send: Send, left: _Left) -> httpx.Request:
    headers = [
        ("User-Agent", USER_AGENT),
        ("Accept", "application/json, text/plain"),
        ("Accept-Encoding", "gzip"),
        ("X-Request-Id", send.request_id),
        *send.headers,
    ]
    if send.cookie is not None:
        headers.append(("Cookie", f"{COOKIE_NAME}={send.cookie.reveal()}"))
    if send.bearer is not None:
        headers.append(("Authorization", f"Bearer {send.bearer.reveal()}"))
    content = None
    if send.content is not None:
        headers.append(("Content-Type", "application/json"))
        content = send.content.reveal().encode()
    return httpx.Request(
        send.method, send.url, headers=headers, content=content, extensions={"timeout": left}
    )


def _reply(response: httpx.Response, body: bytes) -> Reply:
    headers: dict[str, str] = {}
    set_cookies: list[Secret] = []
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "set-cookie":
            set_cookies.append(Secret(value))
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Reply(response.status_code, headers, tuple(set_cookies), body)


def _failure(error: Exception) -> Failure:
    kind: Kind = next(kind for cls, kind in _KINDS if isinstance(error, cls))
    if kind != "connect":
        return Failure(kind)  # what libraries say of broken requests may quote a header
    tls = _tls_error(error)
    if tls is None:
        return Failure("connect", str(error))
    return Failure("tls", getattr(tls, "verify_message", "") or tls.reason or "")


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


# --- the pools ------------------------------------------------------------------------------------


def _ssl_context(connection: Connection, scheme: str) -> ssl.SSLContext:
    if scheme == "http":
        # Reading the authorities takes longer than a call. This one knows none and trusts nobody.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    verify = connection.verify
    if isinstance(verify, (bool, ssl.SSLContext)):
        return httpx.create_ssl_context(verify=verify)
    path = Path(verify)
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        problem = error.strerror or type(error).__name__
    raise ConfigurationError(f"verify: no CA certificates can be read from {path}: {problem}")


def _proxy_for(origin: Origin, connection: Connection) -> Secret | None:
    """The proxy to an origin: the client's, else the environment's, and none to this machine."""
    if connection.proxy is not None or connection.base_url.loopback:
        return connection.proxy
    scheme, host, port = origin
    if proxy_bypass(f"{host}:{port}") or proxy_bypass(host):
        return None
    found = getproxies()
    proxy = found.get(scheme) or found.get("all")
    if not proxy:
        return None
    return Secret(proxy if "://" in proxy else f"http://{proxy}")


def _opened(kind: Callable[..., T], proxy: Secret | None, context: ssl.SSLContext) -> T:
    try:
        return kind(verify=context, limits=LIMITS, proxy=proxy and proxy.reveal())
    except (ValueError, httpx.InvalidURL):
        problem = "it is no proxy URL"
    except ImportError:
        problem = "SOCKS needs the package socksio"
    raise ConfigurationError(f"proxy cannot be used: {problem}")


@define(eq=False)
class _Connections(Generic[T]):
    """The transports of one pool, made when a request first needs them."""

    kind: Callable[..., T]
    connection: Connection
    given: T | None
    _by_origin: dict[Origin, T] = field(factory=dict, init=False, repr=False)
    _by_way: dict[tuple[str, Secret | None], T] = field(factory=dict, init=False, repr=False)

    def found(self, origin: Origin) -> T | None:
        """The transport to an origin, when it is there already."""
        return self.given or self._by_origin.get(origin)

    def open(self, origin: Origin) -> T:
        """The transport to an origin; origins reached in the same way share one."""
        way = origin[0], _proxy_for(origin, self.connection)
        transport = self._by_way.get(way)
        if transport is None:
            scheme, proxy = way
            with quiet():
                transport = _opened(self.kind, proxy, _ssl_context(self.connection, scheme))
            self._by_way[way] = transport
        self._by_origin[origin] = transport
        return transport

    def taken(self) -> list[T]:
        """All transports, to be closed; the pool starts anew."""
        opened = [self.given] if self.given is not None else list(self._by_way.values())
        self._by_origin.clear()
        self._by_way.clear()
        return opened


class Pool:
    """Sends for `Client`: the connections of one process, shared by its threads."""

    def __init__(self, connection: Connection, transport: Transport | None) -> None:
        self._clock = connection.clock
        self._connections = _Connections(httpx.HTTPTransport, connection, transport)
        self._lock = threading.Lock()
        self.session_lock = threading.Lock()
        """Held while one thread logs in for all."""

    def send(self, send: Send, each: Timeout) -> Reply | Failure:
        """Send one request and read the whole answer."""
        transport = self._connections.found(send.origin)
        if transport is None:
            with self._lock:
                transport = self._connections.found(send.origin) or self._connections.open(
                    send.origin
                )
        return _exchange(transport, send, _Left(each, send.ends, self._clock))

    def close(self) -> None:
        """Close the connections."""
        with quiet():
            for transport in self._connections.taken():
                transport.close()


class AsyncPool:
    """Sends for `AsyncClient`: the connections of one event loop."""

    def __init__(self, connection: Connection, transport: AsyncTransport | None) -> None:
        self._clock = connection.clock
        self._connections = _Connections(httpx.AsyncHTTPTransport, connection, transport)
        self.session_lock = Lock()
        """Held while one task logs in for all."""

    async def send(self, send: Send, each: Timeout) -> Reply | Failure:
        """Send one request and read the whole answer."""
        # Nothing else runs in the loop between two awaits: there is no need for a lock.
        transport = self._connections.found(send.origin) or self._connections.open(send.origin)
        return await _exchange_async(transport, send, _Left(each, send.ends, self._clock))

    async def close(self) -> None:
        """Close the connections."""
        with quiet():
            for transport in self._connections.taken():
                await transport.aclose()


def _exchange(transport: Transport, send: Send, left: _Left) -> Reply | Failure:
    with quiet():
        try:
            response = transport.handle_request(_request(send, left))
            try:
                chunks = []
                for chunk in response.iter_bytes():
                    if left.over():
                        return Failure("read timeout")
                    chunks.append(chunk)
                return _reply(response, b"".join(chunks))
            finally:
                response.close()
        except _EXPECTED as error:
            return _failure(error)


async def _exchange_async(transport: AsyncTransport, send: Send, left: _Left) -> Reply | Failure:
    with quiet():
        try:
            response = await transport.handle_async_request(_request(send, left))
            try:
                chunks = []
                async for chunk in response.aiter_bytes():
                    if left.over():
                        return Failure("read timeout")
                    chunks.append(chunk)
                return _reply(response, b"".join(chunks))
            finally:
                await response.aclose()
        except _EXPECTED as error:
            return _failure(error)
