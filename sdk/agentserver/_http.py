"""Sending and receiving: the one module that imports httpx, itself imported by the first request.

Requests go straight to httpx's transports: its client would keep cookies, prepare redirects and log
URLs, all of which is decided elsewhere here. No exception of httpx leaves this module, and none of
its frames, which contain headers, can be reached from an error of the SDK: they are caught in a
function that returns a `Failure`.

asyncio and anyio take a fifth of all imports until the first answer. They are imported where they
are needed: programs that never await do without them.
"""

from __future__ import annotations

import platform
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Generic, TypeAlias, TypeVar

import httpcore
import httpx
from attrs import define, field

from ._body import Body
from ._cookies import COOKIE_NAME
from ._errors import ClientClosed, ConfigurationError
from ._limits import Phase, TimeLimits
from ._logging import quiet, quieten_libraries
from ._network import Backend
from ._options import AsyncTransport, Connection, Options, Origin, Transport
from ._proxies import proxy_for
from ._secret import Secret
from ._transport import Failure, Kind, Reply, Send
from ._version import __version__

quieten_libraries()

T = TypeVar("T")

USER_AGENT: Final = (
    f"agentserver-python/{__version__} "
    f"({platform.python_implementation().lower()} {platform.python_version()}; "
    f"{sys.platform}; httpx/{httpx.__version__})"
)

LIMITS: Final = httpx.Limits(
    max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0
)

# From the specific to the general: the first class that fits is what happened.
_KINDS: Final[tuple[tuple[type[Exception], Kind], ...]] = (
    (httpx.ConnectTimeout, "connect timeout"),
    (httpx.PoolTimeout, "pool timeout"),
    (httpx.WriteTimeout, "write timeout"),
    (httpx.TimeoutException, "read timeout"),
    (httpx.ConnectError, "connect"),
    (httpx.ProxyError, "proxy"),
    (httpx.LocalProtocolError, "protocol"),
    (httpx.UnsupportedProtocol, "protocol"),
    (httpx.InvalidURL, "protocol"),
    (httpx.DecodingError, "undecodable"),
    (httpx.HTTPError, "broken"),
    (httpx.StreamError, "broken"),
    (OSError, "broken"),
)
_OF_HTTP: Final = tuple(kind for kind, _ in _KINDS)

_LATE: Final[dict[Phase, Kind]] = {
    "pool": "pool timeout",
    "connect": "connect timeout",
    "write": "write timeout",
    "read": "read timeout",
}


def _request(send: Send, limits: TimeLimits) -> httpx.Request | None:
    """The request; None when httpx has no form for its URL."""
    headers = {
        "User-Agent": USER_AGENT,
        "Accept": "application/json, text/plain",
        "Accept-Encoding": "gzip",
        "X-Request-Id": send.request_id,
        **dict(send.headers),
    }
    if send.cookie is not None:
        headers["Cookie"] = f"{COOKIE_NAME}={send.cookie.reveal()}"
    if send.bearer is not None:
        headers["Authorization"] = f"Bearer {send.bearer.reveal()}"
    content = None
    if send.content is not None:
        headers.setdefault("Content-Type", "application/json")
        content = send.content.reveal().encode()
    if send.extra_headers:
        replaced = {each.name.lower() for each in send.extra_headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in replaced}
        headers |= {each.name: each.value.reveal() for each in send.extra_headers}
    try:
        return httpx.Request(
            send.method,
            send.url.reveal(),
            # Latin-1 is what a server's cookie was read in.
            headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            content=content,
            extensions={"timeout": limits},
        )
    except (ValueError, TypeError, httpx.InvalidURL):
        return None


def _reply(response: httpx.Response, body: Body, interrupted: Kind | None) -> Reply:
    headers: dict[str, str] = {}
    set_cookies: list[Secret] = []
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "set-cookie":
            set_cookies.append(Secret(value))
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    content = b"" if interrupted else body.whole()
    return Reply(
        response.status_code, headers, tuple(set_cookies), content, body.problem, interrupted
    )


def _failure(error: Exception, phase: Phase) -> Failure:
    kind: Kind | None = next((kind for cls, kind in _KINDS if isinstance(error, cls)), None)
    if kind is None:  # of Python or a library, such as for a host that TLS has no name for
        return Failure("broken" if phase in ("write", "read") else "protocol", phase)
    if kind != "connect":
        return Failure(kind, phase)  # what libraries say of broken requests may quote a header
    tls = _tls_error(error)
    if tls is None:
        return Failure("connect", phase, str(error))
    return Failure("tls", phase, getattr(tls, "verify_message", "") or tls.reason or "")


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


# --- the pools ------------------------------------------------------------------------------------


def _ssl_context(connection: Connection, scheme: str) -> ssl.SSLContext:
    if scheme == "http":
        # Reading the authorities takes longer than a call. This context trusts no certificate.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    verify = connection.verify
    try:
        if isinstance(verify, (bool, ssl.SSLContext)):
            return httpx.create_ssl_context(verify=verify)
        path = Path(verify)
        if path.is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error) or type(error).__name__
    where = "SSL_CERT_FILE or SSL_CERT_DIR" if isinstance(verify, bool) else str(verify)
    raise ConfigurationError(f"verify: no CA certificates can be read from {where}: {problem}")


def _opened(make: Callable[..., T], proxy: Secret | None, scheme: str, connection: Connection) -> T:
    context, way = _ssl_context(connection, scheme), proxy and proxy.reveal()
    try:
        if way and httpx.URL(way).scheme == "https":  # it has a certificate of its own
            encrypted = context if scheme == "https" else _ssl_context(connection, "https")
            return make(
                verify=context, limits=LIMITS, proxy=httpx.Proxy(way, ssl_context=encrypted)
            )
        return make(verify=context, limits=LIMITS, proxy=way)
    except (ValueError, httpx.InvalidURL):
        problem = "it is no proxy URL"
    except ImportError:
        problem = "SOCKS needs the package socksio"
    raise ConfigurationError(f"proxy cannot be used: {problem}")


_BACKEND: Final = Backend(httpcore.SyncBackend())


def _own_transport(**settings: Any) -> httpx.HTTPTransport:
    transport = httpx.HTTPTransport(**settings)
    transport._pool._network_backend = _BACKEND  # httpx has no setting for it
    return transport


def _own_async_transport(**settings: Any) -> httpx.AsyncHTTPTransport:
    from ._network_async import AnyioBackend, AsyncBackend

    transport = httpx.AsyncHTTPTransport(**settings)
    transport._pool._network_backend = AsyncBackend(AnyioBackend())
    return transport


def _keeping_limits(make: Callable[..., T]) -> Callable[..., T]:
    """What makes the transports of the caller's, and has them keep our limits."""

    def made(**settings: Any) -> T:
        transport = make(**settings)
        _keep_limits(transport)
        return transport

    return made


def _keep_limits(sender: Any) -> None:
    """Have each operation of httpx's connections keep our limits.

    They are found in one of httpx's transports, in what wraps one, and in a client of httpx.
    """
    to_search, found = [sender], {id(sender)}
    while to_search:
        attributes = getattr(to_search.pop(), "__dict__", {})
        pool = attributes.get("_pool")
        backend = getattr(pool, "_network_backend", None)
        if pool is not None and isinstance(backend, httpcore.NetworkBackend):
            pool._network_backend = backend if isinstance(backend, Backend) else Backend(backend)
        elif pool is not None and isinstance(backend, httpcore.AsyncNetworkBackend):
            from ._network_async import AsyncBackend

            keeps = isinstance(backend, AsyncBackend)
            pool._network_backend = backend if keeps else AsyncBackend(backend)
        for value in attributes.values():
            for inner in value.values() if isinstance(value, dict) else (value,):
                if id(inner) not in found and _sends(inner):
                    found.add(id(inner))
                    to_search.append(inner)


def _sends(thing: object) -> bool:
    return hasattr(thing, "handle_request") or hasattr(thing, "handle_async_request")


@define(eq=False, repr=False)
class _ClientTransport:
    """Sends through a client of httpx that the caller made, with a proxy and hooks of its own."""

    client: Any

    def handle_request(self, request: httpx.Request) -> Any:
        self._check_open()
        return self.client.send(request, stream=True, follow_redirects=False)

    async def handle_async_request(self, request: httpx.Request) -> Any:
        self._check_open()
        return await self.client.send(request, stream=True, follow_redirects=False)

    def close(self) -> None:
        self.client.close()

    async def aclose(self) -> None:
        await self.client.aclose()

    def _check_open(self) -> None:
        if self.client.is_closed:
            raise ClientClosed("the httpx client that was given as http_client is closed")


@define(eq=False, repr=False)
class _Connections(Generic[T]):
    """The transports of one pool, made when a request first needs them."""

    connection: Connection
    make: Callable[..., T]
    """Makes a transport, called with ``verify``, ``proxy`` and ``limits`` as httpx's own are."""
    given: T | None
    """The caller's own transport, used for all origins."""
    _by_origin: dict[Origin, T] = field(factory=dict, init=False)
    _by_way: dict[tuple[str, Secret | None], T] = field(factory=dict, init=False)

    def found(self, origin: Origin) -> T | None:
        """The transport to an origin, when it is there already."""
        return self.given or self._by_origin.get(origin)

    def open(self, origin: Origin) -> T:
        """The transport to an origin; origins reached in the same way share one."""
        way = origin[0], proxy_for(origin, self.connection)
        transport = self._by_way.get(way)
        if transport is None:
            scheme, proxy = way
            with quiet():
                transport = _opened(self.make, proxy, scheme, self.connection)
            self._by_way[way] = transport
        self._by_origin[origin] = transport
        return transport

    def release(self) -> list[T]:
        """All transports, to be closed; the pool starts anew."""
        opened = [self.given] if self.given is not None else list(self._by_way.values())
        self._by_origin.clear()
        self._by_way.clear()
        return opened


class _Pool(Generic[T]):
    """What both pools are: their transports, and how sending by them fails."""

    __slots__ = ("_clock", "_connections", "_failures", "login_lock")

    def __init__(self, connection: Connection, make: Callable[..., T]) -> None:
        sender = connection.sender
        self._clock = connection.clock
        # What connections of our own raise is a failure, whatever it is. A transport of the
        # caller's may raise what the caller wants to see.
        self._failures = Exception if sender.own else _OF_HTTP
        given: Any = sender.transport
        if sender.client is not None:
            given = _ClientTransport(sender.client)
            _keep_limits(sender.client)
        _keep_limits(given)
        if sender.make is not None:
            make = _keeping_limits(sender.make)
        self._connections: _Connections[T] = _Connections(connection, make, given)


class Pool(_Pool[Transport]):
    """Sends for `Client`: the connections of one process, shared by its threads."""

    __slots__ = ("_lock",)

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, _own_transport)
        self._lock = threading.Lock()
        self.login_lock = threading.Lock()
        """Locked while one thread logs in for all."""

    def send(self, send: Send, options: Options) -> Outcome:
        """Send one request and read the whole answer.

        What ends the call at once is returned, not raised: it would lead to frames that hold a
        request or a transport, and so to credentials.
        """
        try:
            transport = self._transport(send.origin)
        except ConfigurationError as error:
            return error.with_traceback(None)
        limits = TimeLimits(options.timeout, send.ends, self._clock)
        return _exchange(transport, send, limits, options.max_response_bytes, self._failures)

    def close(self) -> None:
        """Close the connections."""
        with quiet():
            for transport in self._connections.release():
                transport.close()

    def _transport(self, origin: Origin) -> Transport:
        found = self._connections.found(origin)
        if found is not None:
            return found
        with self._lock:
            return self._connections.found(origin) or self._connections.open(origin)


class AsyncPool(_Pool[AsyncTransport]):
    """Sends for `AsyncClient`: the connections of one event loop."""

    __slots__ = ()

    def __init__(self, connection: Connection) -> None:
        from asyncio import Lock

        super().__init__(connection, _own_async_transport)
        self.login_lock = Lock()
        """Locked while one task logs in for all."""

    async def send(self, send: Send, options: Options) -> Outcome:
        """Send one request and read the whole answer; see `Pool.send`."""
        from asyncio import get_running_loop

        from ._interruption import Interruptible

        # Nothing else runs in the loop between two awaits: there is no need for a lock.
        try:
            transport = self._connections.found(send.origin) or self._connections.open(send.origin)
        except ConfigurationError as error:
            return error.with_traceback(None)
        limits = TimeLimits(options.timeout, send.ends, self._clock)
        exchange = Interruptible(
            _exchange_async(transport, send, limits, options.max_response_bytes, self._failures),
            limits.can_be_interrupted,
        )
        limits.interrupt = exchange.interrupt
        timer = get_running_loop().call_later(max(0.0, limits.left()), limits.expire)
        try:
            return await exchange.run()
        finally:
            timer.cancel()

    async def close(self) -> None:
        """Close the connections."""
        with quiet():
            for transport in self._connections.release():
                await transport.aclose()


# --- one exchange ---------------------------------------------------------------------------------

Outcome: TypeAlias = "Reply | Failure | BaseException"

_Failures = type[Exception] | tuple[type[Exception], ...]
"""What means that sending failed: with connections of our own, whatever they raise."""


def _exchange(
    transport: Transport, send: Send, limits: TimeLimits, most: int, failures: _Failures
) -> Outcome:
    request = _request(send, limits)
    if request is None:
        return Failure("protocol", "pool")
    with quiet():
        try:
            response = transport.handle_request(request)
            return _received(response, limits, most, failures)
        except failures as error:
            return _failure(error, limits.phase or "read")
        except BaseException as error:
            if isinstance(error, Exception):  # of the caller's own transport
                raise
            return error.with_traceback(None)


def _received(response: Any, limits: TimeLimits, most: int, failures: _Failures) -> Reply:
    body, interrupted = _begun(response, most), None
    try:
        for piece in () if response.is_stream_consumed else response.stream:
            if limits.over():
                interrupted = _LATE["read"]
                break
            if not body.take(piece):
                break
    except failures as error:
        interrupted = _failure(error, "read").kind
    finally:
        with suppress(Exception):
            response.close()
    return _reply(response, body, interrupted)


async def _exchange_async(
    transport: AsyncTransport, send: Send, limits: TimeLimits, most: int, failures: _Failures
) -> Reply | Failure:
    from asyncio import CancelledError

    request = _request(send, limits)
    if request is None:
        return Failure("protocol", "pool")
    with quiet():
        try:
            response = await transport.handle_async_request(request)
            return await _received_async(response, limits, most, failures)
        except failures as error:
            return _failure(error, limits.phase or "read")
        except CancelledError:
            if not limits.expired:
                raise
            phase = limits.phase or "read"
            return Failure(_LATE[phase], phase)


async def _received_async(
    response: Any, limits: TimeLimits, most: int, failures: _Failures
) -> Reply:
    from asyncio import CancelledError

    body, interrupted = _begun(response, most), None
    pieces: Any = None if response.is_stream_consumed else aiter(response.stream)
    try:
        while pieces is not None:
            if limits.over():
                interrupted = _LATE["read"]
                break
            if not body.take(await anext(pieces)):
                break
    except StopAsyncIteration:
        pass
    except failures as error:
        interrupted = _failure(error, "read").kind
    except CancelledError:
        if not limits.expired:
            raise
        interrupted = _LATE["read"]
    finally:
        with suppress(Exception):
            if pieces is not None and hasattr(pieces, "aclose"):
                await pieces.aclose()
            await response.aclose()
    return _reply(response, body, interrupted)


def _begun(response: Any, most: int) -> Body:
    """The body of an answer, with all of it when the transport has read it already."""
    if not response.is_stream_consumed:
        return Body(response.headers.get("content-encoding", ""), most)
    body = Body("", most)
    body.take(response.content)
    return body
