"""`Client` and `AsyncClient`: settings and life cycle; the resources hang off them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, Self, TypeVar, Unpack

from attrs import define, evolve, field

from . import _auth
from ._errors import ClientClosed, ConfigurationError
from ._generated.resources import AsyncResources, Resources
from ._limits import LONGEST
from ._logging import log_as_environment_says
from ._omit import OMIT, Omit
from ._operation import AsyncCaller, Call, Caller, CallOptions
from ._options import (
    AsyncTransport,
    Connection,
    Options,
    Retry,
    Sender,
    Timeout,
    Transport,
    Verify,
    merged,
)
from ._options import headers as checked_headers
from ._pacer import Pacer
from ._response import Response
from ._secret import Secret
from ._transport import (
    REAL,
    LogIn,
    Runtime,
    Send,
    Step,
    Terms,
    call_flow,
    drive,
    drive_async,
    login_flow,
)

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from ._generated.resources._raw import AsyncRawResources, RawResources
    from ._http import AsyncPool, Pool

T = TypeVar("T")
TransportT = TypeVar("TransportT")


@define(eq=False, repr=False)
class _Shared:
    """What a client has in common with those that `with_options` makes of it."""

    connection: Connection
    credentials: _auth.Credentials
    runtime: Runtime
    pools: dict[Any, Callable[[], Any]] = field(factory=dict)
    """By process, or by event loop: a connection cannot be used across either. In closures, as in a
    `Secret`: a pool holds a proxy's password and the bytes of answers, and an error's traceback
    leads to the client.
    """
    pacer: Pacer = field(factory=Pacer)
    received: dict[str, deque[Any]] = field(factory=dict)
    """Rows that the server gives only once and that were not taken yet, by operation."""
    closed: bool = False


class _Client(Generic[TransportT]):
    """What both clients are: their settings."""

    _SENDS_BY: ClassVar[str]
    _CLOSES_BY: ClassVar[str]

    def __init__(
        self,
        base_url: str | None = None,
        *,
        email: str | Secret | None = None,
        password: str | Secret | None = None,
        session: str | Secret | None = None,
        token: str | Secret | None = None,
        timeout: float | Timeout = Timeout(),  # noqa: B008  # frozen
        deadline: float = 90.0,
        max_retries: int = 4,
        retry: Retry = "safe",
        strict: bool = False,
        max_response_bytes: int = 64 * 1024 * 1024,
        proxy: str | Secret | None = None,
        verify: Verify = True,
        transport: TransportT | Callable[..., TransportT] | None = None,
        http_client: Any = None,
        extra_headers: Mapping[str, str | Secret] | None = None,
        allow_insecure_http: bool = False,
        _runtime: Runtime | None = None,
    ) -> None:
        """Set up a client; nothing is sent or opened before the first call.

        Args:
            base_url: where the server is, ``https://agents.example.com``; a path in it is kept.
                Left out: the environment's ``AGENTSERVER_URL``.
            email: with `password`, logs in when a call first needs a session, and once again when
                that session has ended. Left out: ``AGENTSERVER_EMAIL``.
            password: see `email`. Left out: ``AGENTSERVER_PASSWORD``.
            session: the value of a session cookie, for the operations that take one.
            token: a bearer token, for the operations that take one. Left out:
                ``AGENTSERVER_TOKEN``. Credentials from the environment are used only with the URL
                from the environment.
            timeout: seconds that each phase of one attempt may take, or a `Timeout`.
            deadline: seconds that a whole call may take, from looking up the server's name to the
                last byte of the answer, its retries and their waits included.
            max_retries: how often a request may be sent again.
            retry: ``safe`` sends again what may be sent twice without harm; ``always`` does so with
                every write too, which may then happen twice.
            strict: whether an answer that breaks the contract raises `ResponseValidationError`.
            max_response_bytes: how many bytes the body of an answer may have once it is unpacked; a
                larger one raises `ResponseValidationError`.
            proxy: URL of a proxy. Left out: the environment's, which is not asked for a server on
                this machine.
            verify: False to trust every certificate; a path to the certificates of your own
                authority; or an `ssl.SSLContext`. An https proxy is held to it as well.
            transport: sends the requests instead of connections of our own, for example an
                ``httpx.MockTransport``. To keep `proxy` and `verify`, give what makes it, such as
                ``httpx.HTTPTransport``, or a function: it is called with ``proxy=``, ``verify=``
                and ``limits=``. It is closed with the client.
            http_client: an ``httpx.Client`` of your own (an ``httpx.AsyncClient`` for
                `AsyncClient`) that sends the requests, with its proxy, certificates and hooks. It
                is closed with the client.
            extra_headers: headers to send with every request beside the SDK's own, for example to a
                gateway. They are not sent on a redirect to another origin. Wrap a value in `Secret`
                if it is a credential.
            allow_insecure_http: whether credentials may travel over plain http to other machines.

        Raises:
            ConfigurationError: a setting is missing, or not as described.
        """
        log_as_environment_says()
        # A traceback shows locals: from here on these are hidden.
        url, via = Secret.of(base_url), Secret.of(proxy)
        headers = checked_headers(extra_headers)
        hidden = [Secret.of(value) for value in (email, password, session, token)]
        del base_url, proxy, email, password, session, token, extra_headers
        sender = Sender.of(
            transport,
            http_client,
            method=self._SENDS_BY,
            close=self._CLOSES_BY,
            has_settings=via is not None or verify is not True,
        )
        runtime = _runtime or REAL
        self._options = Options(
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            retry=retry,
            strict=strict,
            max_response_bytes=max_response_bytes,
            extra_headers=headers,
        )
        connection = Connection(
            base_url=_auth.base_url(url),
            proxy=via,
            verify=verify,
            allow_insecure_http=allow_insecure_http,
            sender=sender,
            clock=runtime.clock,
        )
        given = _auth.given(*hidden, url_in_code=url is not None)
        self._shared = _Shared(connection, _auth.Credentials(given, runtime.clock), runtime)

    @property
    def base_url(self) -> str:
        """Where the server is, without a slash at the end."""
        return self._shared.connection.base_url.text

    def with_options(
        self,
        *,
        timeout: float | Timeout | Omit = OMIT,
        deadline: float | Omit = OMIT,
        max_retries: int | Omit = OMIT,
        retry: Retry | Omit = OMIT,
        strict: bool | Omit = OMIT,
        max_response_bytes: int | Omit = OMIT,
        extra_headers: Mapping[str, str | Secret] | Omit = OMIT,
    ) -> Self:
        """A client with other settings, in the same session and on the same connections.

        Closing either closes both. Costs next to nothing: use it for a single call.

        Args:
            timeout: as for the client.
            deadline: as for the client.
            max_retries: as for the client.
            retry: as for the client.
            strict: as for the client.
            max_response_bytes: as for the client.
            extra_headers: headers to send beside those of this client; one of the same name takes
                the place of the client's.

        Raises:
            ConfigurationError: a setting is not as described.
        """
        changes: dict[str, Any] = {
            "timeout": timeout,
            "deadline": deadline,
            "max_retries": max_retries,
            "retry": retry,
            "strict": strict,
            "max_response_bytes": max_response_bytes,
        }
        if extra_headers is not OMIT:
            added = checked_headers(extra_headers)
            changes["extra_headers"] = merged(self._options.extra_headers, added)
        del extra_headers
        other = object.__new__(type(self))
        other._shared = self._shared
        other._options = evolve(
            self._options, **{name: value for name, value in changes.items() if value is not OMIT}
        )
        return other

    def __repr__(self) -> str:
        if "_shared" not in vars(self):  # seen in the traceback of a setting that was refused
            return object.__repr__(self)
        given = self._shared.credentials.given
        credentials = {
            "email": given.email,
            "session": self._shared.credentials.session,
            "token": given.token,
        }
        settings = [f"base_url={self.base_url!r}"]
        settings += [f"{name}={value}" for name, value in credentials.items() if value is not None]
        settings += ["closed"] if self._shared.closed else []
        return f"{type(self).__name__}({', '.join(settings)})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} does not pickle: it contains credentials")

    def _terms(self) -> Terms:
        connection = self._shared.connection
        return Terms(
            connection.base_url,
            connection.allow_insecure_http,
            self._options,
            self._shared.credentials,
            self._shared.runtime,
        )

    def _flow(self, call: Call[T], *, raw: bool = False) -> Generator[Step, Any, T]:
        self._check_open()
        return call_flow(call, self._terms(), raw=raw)

    def _for(self, call: Call[Any], options: CallOptions) -> Self:
        """This client, with the settings that a call has by itself, and those it was given."""
        client = self
        if call.time_limit is not None:
            timeout = evolve(self._options.timeout, read=call.time_limit)
            client = self.with_options(deadline=call.time_limit, timeout=timeout)
        return client._with(options) if options else client

    def _with(self, options: CallOptions) -> Self:
        """This client, with the options of one call."""
        unknown = options.keys() - CallOptions.__annotations__.keys()
        if unknown:
            raise TypeError(f"unexpected keyword argument: {min(unknown)}")
        return self.with_options(**options)

    def _unlisted(
        self, method: str, path: str, json: Any, params: Mapping[str, Any] | None
    ) -> Call[Any]:
        from ._unlisted import unlisted_call

        return unlisted_call(method, path, json, params, self._shared.credentials)

    def _login_flow(self, wanted: LogIn) -> Generator[Step, Any, Secret]:
        from ._generated.api.auth import login

        # Only a client that has both is ever asked for a session.
        given = self._shared.credentials.given
        assert given.email is not None and given.password is not None  # noqa: S101, PT018
        call = login.call(email=given.email.reveal(), password=given.password)
        return login_flow(call, wanted, self._terms())

    def _check_open(self) -> None:
        if self._shared.closed:
            raise ClientClosed(f"this {type(self).__name__} is closed")

    def _seconds_left(self, ends: float) -> float:
        return max(0.0, ends - self._shared.runtime.clock())


class Client(_Client[Transport], Resources):
    """A client for programs that wait; safe to share between threads.

    Use it in a ``with`` statement, or call `close`.
    """

    _SENDS_BY = "handle_request"
    _CLOSES_BY = "close"

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; every later call raises `ClientClosed`."""
        if not self._shared.closed:
            self._shared.closed = True
            if self._shared.pools or self._shared.connection.sender.ready:
                self._pool().close()

    @property
    def with_raw_response(self) -> RawResources:
        """The same resources, whose methods return a `Response`: the result with its status,
        headers, request id, attempts and time.
        """
        from ._generated.resources._raw import RawResources

        return RawResources(_RawCaller(self))

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = OMIT,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Response[Any]:
        """Call a route that the contract does not list.

        It is signed, retried and raised from like any other call: ``GET`` and ``HEAD`` count as
        reads, ``PUT`` and ``DELETE`` as idempotent.

        Args:
            method: the HTTP method, for example ``GET``.
            path: the path below the base URL, for example ``/api/workspaces``. Characters that no
                path can have are percent-encoded; escapes stay as they are.
            json: the body; a credential inside it may be wrapped in `Secret`.
            params: the query, a sequence as one pair per item.
            options: settings for this call, those of `with_options`: ``timeout``, ``deadline``,
                ``max_retries``, ``extra_headers``.

        Returns:
            The answer, with the parsed JSON as `Response.data`.

        Raises:
            ArgumentError: an argument cannot be sent as it is.
            CallError: the call failed, or the server answered with an error.
        """
        return self._call_raw(self._unlisted(method, path, json, params), **options)

    def _call(self, call: Call[T], **options: Unpack[CallOptions]) -> T:
        client = self._for(call, options)
        return drive(client._flow(call), client._perform)

    def _call_raw(self, call: Call[T], **options: Unpack[CallOptions]) -> Response[T]:
        client = self._for(call, options)
        response: Any = drive(client._flow(call, raw=True), client._perform)
        return response  # type: ignore[no-any-return]  # what `raw` asks for

    def _perform(self, step: Step) -> Any:
        if isinstance(step, Send):
            outcome = self._pool().send(step, self._options)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome
        if isinstance(step, LogIn):
            return self._session(step)
        return self._shared.runtime.sleep(step.seconds)

    def _session(self, wanted: LogIn) -> Secret | None:
        from threading import TIMEOUT_MAX

        lock = self._pool().login_lock
        if not lock.acquire(timeout=min(self._seconds_left(wanted.ends), TIMEOUT_MAX)):
            return None
        try:
            return drive(self._login_flow(wanted), self._perform)
        finally:
            lock.release()

    def _pool(self) -> Pool:
        pools, process = self._shared.pools, os.getpid()
        found: Callable[[], Pool] | None = pools.get(process)
        if found is None:
            from ._http import Pool

            # One step of the interpreter, so that threads which race get the same one; and no lock
            # that a fork could copy while it is held.
            found = pools.setdefault(process, _closure(Pool(self._shared.connection)))
        return found()


class AsyncClient(_Client[AsyncTransport], AsyncResources):
    """A client for asyncio programs; one may be used from several event loops.

    Use it in an ``async with`` statement, or await `aclose`.
    """

    _SENDS_BY = "handle_async_request"
    _CLOSES_BY = "aclose"

    async def __aenter__(self) -> Self:
        self._check_open()
        _running_loop()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the running loop's connections; every later call raises `ClientClosed`."""
        if not self._shared.closed:
            self._shared.closed = True
            if self._shared.pools or self._shared.connection.sender.ready:
                await self._pool().close()

    @property
    def with_raw_response(self) -> AsyncRawResources:
        """The same resources, whose methods return a `Response`: the result with its status,
        headers, request id, attempts and time.
        """
        from ._generated.resources._raw import AsyncRawResources

        return AsyncRawResources(_AsyncRawCaller(self))

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = OMIT,
        params: Mapping[str, Any] | None = None,
        **options: Unpack[CallOptions],
    ) -> Response[Any]:
        """Call a route that the contract does not list.

        It is signed, retried and raised from like any other call: ``GET`` and ``HEAD`` count as
        reads, ``PUT`` and ``DELETE`` as idempotent.

        Args:
            method: the HTTP method, for example ``GET``.
            path: the path below the base URL, for example ``/api/workspaces``. Characters that no
                path can have are percent-encoded; escapes stay as they are.
            json: the body; a credential inside it may be wrapped in `Secret`.
            params: the query, a sequence as one pair per item.
            options: settings for this call, those of `with_options`: ``timeout``, ``deadline``,
                ``max_retries``, ``extra_headers``.

        Returns:
            The answer, with the parsed JSON as `Response.data`.

        Raises:
            ArgumentError: an argument cannot be sent as it is.
            CallError: the call failed, or the server answered with an error.
        """
        return await self._call_raw(self._unlisted(method, path, json, params), **options)

    async def _call(self, call: Call[T], **options: Unpack[CallOptions]) -> T:
        client = self._for(call, options)
        return await drive_async(client._flow(call), client._perform)

    async def _call_raw(self, call: Call[T], **options: Unpack[CallOptions]) -> Response[T]:
        client = self._for(call, options)
        response: Any = await drive_async(client._flow(call, raw=True), client._perform)
        return response  # type: ignore[no-any-return]  # what `raw` asks for

    async def _perform(self, step: Step) -> Any:
        if isinstance(step, Send):
            outcome = await self._pool().send(step, self._options)
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome
        if isinstance(step, LogIn):
            return await self._session(step)
        return await self._sleep(step.seconds)

    async def _session(self, wanted: LogIn) -> Secret | None:
        from asyncio import timeout

        lock = self._pool().login_lock
        left = self._seconds_left(wanted.ends)
        try:
            async with timeout(min(left, LONGEST)):
                await lock.acquire()
        except TimeoutError:
            return None
        try:
            return await drive_async(self._login_flow(wanted), self._perform)
        finally:
            lock.release()

    async def _sleep(self, seconds: float) -> None:
        from asyncio import sleep

        await (self._shared.runtime.sleep_async or sleep)(seconds)

    def _pool(self) -> AsyncPool:
        pools, loop = self._shared.pools, _running_loop()
        found: Callable[[], AsyncPool] | None = pools.get(loop)
        if found is None:
            from ._http import AsyncPool

            for ended in [other for other in pools if other.is_closed()]:
                del pools[ended]
            found = pools[loop] = _closure(AsyncPool(self._shared.connection))
        return found()


class _RawCaller(Caller):
    """Calls through a client whose results are to be `Response` objects."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def _call(self, call: Call[T], **options: Unpack[CallOptions]) -> T:
        response: Any = self._client._call_raw(call, **options)
        return response  # type: ignore[no-any-return]  # T is that `Response` here

    def __repr__(self) -> str:
        return repr(self._client)


class _AsyncRawCaller(AsyncCaller):
    """Calls through an asynchronous client whose results are to be `Response` objects."""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def _call(self, call: Call[T], **options: Unpack[CallOptions]) -> T:
        response: Any = await self._client._call_raw(call, **options)
        return response  # type: ignore[no-any-return]  # T is that `Response` here

    def __repr__(self) -> str:
        return repr(self._client)


def _closure(pool: T) -> Callable[[], T]:
    return lambda: pool


def _running_loop() -> AbstractEventLoop:
    """The event loop that runs the caller.

    Raises:
        ConfigurationError: another library than asyncio runs it.
    """
    from asyncio import get_running_loop

    try:
        return get_running_loop()
    except RuntimeError:
        problem = "AsyncClient needs asyncio, and no event loop of asyncio is running here"
    raise ConfigurationError(
        f"{problem}; under Trio use Client in a thread, by trio.to_thread.run_sync"
    )
