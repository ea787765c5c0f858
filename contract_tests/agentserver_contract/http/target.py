"""The server under test: a base URL, or for this project's own tests an application in process."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol

import httpx
import requests
import schemathesis
from requests.structures import CaseInsensitiveDict

from agentserver import Client
from agentserver_contract.http.environment import Environment
from agentserver_contract.http.guard import SAFE_METHODS, Blocked, Guard
from agentserver_contract.http.messages import Request, Response

AsgiApp = Callable[
    [
        dict[str, Any],
        Callable[[], Awaitable[dict[str, Any]]],
        Callable[[dict[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]

IN_PROCESS = "http://127.0.0.1"
TIMEOUT_SECONDS = 30.0
_SECONDS_BEFORE_ASKING = (0.0, 0.2, 0.4)
"""Before each time that a server is asked whether it is still there."""
_MOST_UNANSWERED = 3
"""How many requests may have no response in time, where others have one, before a run ends."""
GUARD_HEADER = "x-contract-guard"
"""The header of a response that no server sent: the guard blocked the request."""


class ServerUnreachable(KeyboardInterrupt):
    """The server cannot be reached any more, or does not answer in time: nothing can be judged.

    It ends a run as Ctrl+C does, so that no layer and no library takes it for an answer.
    """


class Hook(Protocol):
    """Is called before every request and after its response."""

    def before(self, request: Request) -> None:
        """May wait, or raise Blocked."""

    def after(self, request: Request, response: Response) -> None:
        """May take note."""


class Target:
    """A server, and the ways to reach it: raw requests, SDK clients, Schemathesis's engine.

    Args:
        base_url: Where it listens, as in `http://127.0.0.1:8080`.
        app: The application itself, called without a socket; `base_url` is then only a name.
        guard: Blocks writes to anything that the run did not create; without one, all is sent.
        hooks: Are called for each request that is sent.
        timeout: Seconds that a response may take.
        ends_run: Whether a server that cannot be reached raises ServerUnreachable instead of the
            error of the HTTP library.
    """

    def __init__(
        self,
        base_url: str = IN_PROCESS,
        *,
        app: AsgiApp | None = None,
        guard: Guard | None = None,
        hooks: Sequence[Hook] = (),
        timeout: float = TIMEOUT_SECONDS,
        ends_run: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.app = app
        self.guard = guard
        self.timeout = timeout
        self.ends_run = ends_run and app is None
        self._unanswered = 0
        self.unreachable: ServerUnreachable | None = None
        """Why nothing more can be tried, once that is so."""
        self.environment = Environment() if app is not None else Environment.of(base_url)
        self._hooks: tuple[Hook, ...] = (*((guard,) if guard else ()), *hooks)
        self._one_at_a_time = threading.RLock()
        inner = self.environment.httpx_transport() if app is None else AppTransport(app)
        self._transport = _HookedTransport(inner, self)
        self._timeouts = httpx.Timeout(timeout).as_dict()

    def add_hook(self, hook: Hook) -> None:
        """Call another hook for each request that is sent from now on."""
        self._hooks += (hook,)

    def remove_hook(self, hook: Hook) -> None:
        """Call a hook no more."""
        self._hooks = tuple(each for each in self._hooks if each is not hook)

    def before(self, request: Request) -> None:
        """Call the hooks before a request is sent.

        Raises:
            Blocked: The guard does not let it out.
        """
        for hook in self._hooks:
            hook.before(request)

    def after(self, request: Request, response: Response) -> None:
        """Call the hooks after a response has come, for one response at a time."""
        with self._one_at_a_time:
            for hook in self._hooks:
                hook.after(request, response)

    def lost(self, request: Request, error: Exception) -> None:
        """Take note that a request has had no response.

        Raises:
            ServerUnreachable: The machine is the reason, and this ends the run. Otherwise the
                server has closed the connection, or was not ready in time, although it responds to
                others: that is its own fault, and is a reason to end the run if it happens often.
        """
        if not self.ends_run:
            return
        what = f"{request.method} {request.path}"
        if isinstance(error, httpx.ConnectError | requests.exceptions.ConnectTimeout):
            reason = f"{what}: no connection: {error}"
        elif isinstance(error, httpx.TimeoutException | requests.exceptions.Timeout):
            self._unanswered += 1
            if self._unanswered <= _MOST_UNANSWERED and self._reason_gone() is None:
                return
            reason = f"{what}: no response within {self.timeout:g} s"
        elif (gone := self._reason_gone()) is not None:
            reason = f"{what}: the connection broke, and no other one can be had: {gone}"
        else:
            return
        self.unreachable = ServerUnreachable(f"{self.base_url} cannot be tried any more: {reason}")
        raise self.unreachable from None

    def _reason_gone(self) -> str | None:
        """Why the server answers no more, if it does not.

        A server that is going may still take a connection, so that it is asked several times.
        """
        for pause in _SECONDS_BEFORE_ASKING:
            time.sleep(pause)
            with httpx.Client(transport=self.environment.httpx_transport()) as client:
                try:
                    client.get(self.base_url, timeout=self.timeout)
                except httpx.TransportError as error:
                    return str(error) or type(error).__name__
        return None

    def send(self, request: Request) -> Response:
        """Send one request as it is, once, following no redirect.

        Raises:
            Blocked: The guard does not let it out.
        """
        return self._transport.exchange(request.to_httpx(self.base_url, self._timeouts))[1]

    def client(self, *, session: str | None = None, token: str | None = None) -> Client:
        """An SDK client for this server, with a session, with a token, or with no credential."""
        return Client(
            self.base_url,
            session=session,
            token=token,
            timeout=self.timeout,
            transport=self._transport,
            allow_insecure_http=True,  # the person who gave the URL decided on that
        )

    def schema(self, document: Mapping[str, Any], config: Mapping[str, Any]) -> Any:
        """The contract as Schemathesis reads it, with its calls going to this server."""
        schema = schemathesis.openapi.from_dict(
            dict(document),
            config=schemathesis.Config.from_dict(
                {**config, "base-url": self.base_url, "request-timeout": self.timeout}
            ),
        )
        if self.app is not None:
            schema.app = self.app
        return schema

    @contextmanager
    def hooked_schemathesis(self) -> Iterator[None]:
        """Call the hooks for what Schemathesis sends as well, in whichever of its sessions.

        It opens several of its own, so there is only one place that all its requests pass. A
        request that the guard blocks gets a response with the header GUARD_HEADER.
        """
        sessions: Any = requests.sessions
        send, netrc = requests.Session.send, sessions.get_netrc_auth
        environment = self.environment.requests_options()

        def hooked(session: requests.Session, prepared: Any, **options: Any) -> Any:
            request = Request.from_requests(prepared)
            try:
                self.before(request)
            except Blocked as reason:
                return _blocked(reason).to_requests(prepared)
            # A redirect is a response like any other, and what it leads to is another server's.
            options |= {**environment, "allow_redirects": False}
            try:
                try:
                    response = send(session, prepared, **options)
                except requests.exceptions.ConnectionError:
                    if request.method not in SAFE_METHODS:
                        raise
                    response = send(session, prepared, **options)
            except requests.exceptions.RequestException as error:
                self.lost(request, error)
                raise
            self.after(request, Response.from_requests(response))
            return response

        requests.Session.send = hooked  # type: ignore[assignment, method-assign]
        sessions.get_netrc_auth = lambda url, raise_errors=False: None
        try:
            yield
        finally:
            requests.Session.send = send  # type: ignore[method-assign]
            sessions.get_netrc_auth = netrc

    def close(self) -> None:
        """Close the connections; the server itself goes on."""
        self._transport.inner.close()

    def __enter__(self) -> Target:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _blocked(reason: Blocked) -> Response:
    """The response in place of the server's."""
    headers = {GUARD_HEADER: ("blocked",), "content-type": ("text/plain; charset=utf-8",)}
    return Response(403, headers, str(reason).encode())


class _HookedTransport(httpx.BaseTransport):
    """Sends raw requests and those of SDK clients; it outlives the clients that close it."""

    def __init__(self, inner: httpx.BaseTransport, target: Target) -> None:
        self.inner = inner
        self._target = target

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.exchange(request)[0]

    def exchange(self, request: httpx.Request) -> tuple[httpx.Response, Response]:
        """The response, and the same in the form of the suite."""
        request.read()
        sent = Request.from_httpx(request)
        self._target.before(sent)
        try:
            response = self._read(request)
        except httpx.TransportError as error:
            self._target.lost(sent, error)
            raise
        received = Response.from_httpx(response)
        self._target.after(sent, received)
        return response, received

    def _read(self, request: httpx.Request) -> httpx.Response:
        """The response with its body; a read whose connection breaks is sent once more.

        A server may close an idle connection in the moment in which it is used again.
        """
        try:
            response = self.inner.handle_request(request)
            response.read()
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            if request.method not in SAFE_METHODS:
                raise
            response = self.inner.handle_request(request)
            response.read()
        return response


class AppTransport(httpx.BaseTransport):
    """Passes a request to an application, in the same event loop in which Schemathesis runs it.

    One loop for all callers matters: a database's connections belong to the loop they were made in.
    """

    def __init__(self, app: AsgiApp) -> None:
        from schemathesis.python.asgi import get_client

        self._session = get_client(app)
        self._session.__enter__()  # starts the application

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and return its response."""
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = str(request.url)
        prepared.headers = CaseInsensitiveDict(request.headers)
        prepared.body = request.read()
        return Response.from_requests(self._session.adapter.send(prepared)).to_httpx(request)
