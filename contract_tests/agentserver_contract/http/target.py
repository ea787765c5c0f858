"""The server under test: a base URL, or for this project's own tests an application in process."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol

import httpx
import requests
import schemathesis
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from agentserver import Client
from agentserver_contract.http.guard import Guard, Refused
from agentserver_contract.http.messages import SESSION_COOKIE, Answer, Request

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
HELD_BACK = "x-contract-guard"
"""The header of an answer that no server gave: the guard did not let the request out."""


class Watch(Protocol):
    """Sees every request before it is sent, and its answer."""

    def before(self, request: Request) -> None:
        """May wait, or raise Refused."""

    def after(self, request: Request, answer: Answer) -> None:
        """Takes note."""


class Target:
    """A server, and the ways to reach it: raw requests, SDK clients, Schemathesis's engine.

    Args:
        base_url: Where it listens, as in `http://127.0.0.1:8080`.
        app: The application itself, called without a socket; `base_url` is then only a name.
        guard: Lets out what the run may do on somebody's server; without one, everything.
        watches: See each request that is let out.
        timeout: Seconds that an answer may take.
    """

    def __init__(
        self,
        base_url: str = IN_PROCESS,
        *,
        app: AsgiApp | None = None,
        guard: Guard | None = None,
        watches: Sequence[Watch] = (),
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.app = app
        self.guard = guard
        self.timeout = timeout
        self._watches: tuple[Watch, ...] = (*((guard,) if guard else ()), *watches)
        inner = httpx.HTTPTransport() if app is None else AppTransport(app)
        self._transport = _WatchedTransport(inner, self)
        self._http = httpx.Client(transport=self._transport, timeout=timeout)

    def before(self, request: Request) -> None:
        """What stands between every request and the server. Raises Refused."""
        for watch in self._watches:
            watch.before(request)

    def after(self, request: Request, answer: Answer) -> None:
        """What stands between the server and whoever asked."""
        for watch in self._watches:
            watch.after(request, answer)

    def send(self, request: Request) -> Answer:
        """Send one request as it is, once, following no redirect.

        Raises:
            Refused: The guard holds it back.
        """
        response = self._http.send(
            httpx.Request(
                request.method,
                f"{self.base_url}{request.target}",
                headers=dict(request.headers),
                content=request.body,
            ),
            follow_redirects=False,
        )
        self._http.cookies.clear()  # who is calling is said by each request, never remembered
        return answer_of(response)

    def client(self, *, session: str | None = None) -> Client:
        """An SDK client for this server, nobody's or with a session."""
        return Client(
            self.base_url,
            session=session,
            timeout=self.timeout,
            transport=self._transport,
            allow_insecure_http=True,  # whoever gave the URL decided on that
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
    def watching_schemathesis(self) -> Iterator[None]:
        """Watch what Schemathesis sends as well, whichever of its sessions it sends it with.

        It opens several of its own, so there is one place only that all its requests pass. What
        the guard holds back gets an answer with the header HELD_BACK.
        """
        send = requests.Session.send

        def watched(session: requests.Session, prepared: Any, **options: Any) -> Any:
            request = request_of(prepared)
            try:
                self.before(request)
            except Refused as refusal:
                return _held_back(prepared, refusal)
            response = send(session, prepared, **options)
            self.after(request, _answer_of(response))
            return response

        requests.Session.send = watched  # type: ignore[assignment, method-assign]
        try:
            yield
        finally:
            requests.Session.send = send  # type: ignore[method-assign]

    def close(self) -> None:
        """Close the connections; the server itself is whoever started it's to stop."""
        self._http.close()
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


class _WatchedTransport(httpx.BaseTransport):
    """Sends for raw requests and SDK clients; it outlives the clients that close it."""

    def __init__(self, inner: httpx.BaseTransport, target: Target) -> None:
        self.inner = inner
        self._target = target

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode("ascii")
        sent = Request(request.method, path, dict(request.headers), request.read() or None)
        self._target.before(sent)
        response = self.inner.handle_request(request)
        response.read()
        self._target.after(sent, answer_of(response))
        return response


class AppTransport(httpx.BaseTransport):
    """Brings a request to an application in the very event loop in which Schemathesis runs it.

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
        came = self._session.adapter.send(prepared)
        return httpx.Response(
            came.status_code,
            headers=list(came.raw.headers.iteritems()),
            content=came.content,
            request=request,
        )


def cookie(session: str) -> dict[str, str]:
    """The header that carries a session."""
    return {"cookie": f"{SESSION_COOKIE}={session}"}


def answer_of(response: httpx.Response) -> Answer:
    """The answer in an httpx response."""
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in response.headers.multi_items():
        headers[name.lower()] = (*headers.get(name.lower(), ()), value)
    return Answer(response.status_code, headers, response.content)


def request_of(prepared: Any) -> Request:
    """The request that `requests` has prepared."""
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    headers = {name.lower(): str(value) for name, value in prepared.headers.items()}
    return Request(str(prepared.method), str(prepared.path_url), headers, body or None)


def _answer_of(response: requests.Response) -> Answer:
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in response.raw.headers.items():
        headers[name.lower()] = (*headers.get(name.lower(), ()), value)
    endless = response.headers.get("content-type", "").startswith("text/event-stream")
    return Answer(response.status_code, headers, b"" if endless else response.content or b"")


def _held_back(prepared: requests.PreparedRequest, refusal: Refused) -> requests.Response:
    """An answer in the place of the server's."""
    raw = urllib3.HTTPResponse(
        body=io.BytesIO(str(refusal).encode()),
        status=403,
        headers={HELD_BACK: "refused", "Content-Type": "text/plain; charset=utf-8"},
        preload_content=False,
        request_method=prepared.method,
    )
    return HTTPAdapter().build_response(prepared, raw)
