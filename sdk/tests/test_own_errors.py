"""Only errors of our own leave the SDK, whatever it is given, and each can be shown and kept."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import logging
import pickle
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agentserver import (
    AgentserverError,
    AsyncClient,
    CallError,
    Client,
    ConfigurationError,
    NotFound,
    ResponseValidationError,
    Secret,
)
from agentserver._errors import class_for

FUZZ = settings(
    max_examples=120,
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

TEXT = st.text(st.characters(), max_size=40)
"""Any text, lone surrogates and control characters too."""
HOSTS = st.sampled_from(
    [
        "agents.example",
        "bücher.example",
        "a" * 64 + ".example",
        ".example",
        "a..b",
        "example.",
        "[::1]",
        "[::1%25eth0]",
        "xn--a",
        "faß.de",
        "\u2024example",
        "_x.example",
        "256.256.256.256",
        "1.2.3",
        "-a-.example",
        "😀.example",
        "\ud800.example",
        "agents.example:99999",
        "agents.example:٣",
    ]
)
URLS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["http", "https", "HTTP", "ftp", ""]),
    HOSTS | TEXT,
    st.sampled_from(["", "/", "/\u00e9", "/%", "/%zz", "/a b", "//", "/\ud800", "?", "#x"]) | TEXT,
)


def assert_can_be_shown_and_kept(error: BaseException) -> None:
    """Printed, logged to a file, pickled and copied, whatever it holds."""
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    shown = [error, repr(error), "".join(traceback.format_exception(error))]
    print(*shown, vars(error), file=terminal)
    record = logging.LogRecord("x", 40, "x", 1, "%s %r", (error, error), (type(error), error, None))
    handler = logging.StreamHandler(terminal)
    handler.handleError = raise_again  # type: ignore[method-assign]
    handler.emit(record)
    if isinstance(error, CallError):
        for value in vars(error).values():
            print(value, file=terminal)
            json.dumps(value).encode()
        assert len(str(error)) < 2000
        assert "\n" not in str(error)
        assert error.body is None or len(error.body) <= 64 * 1024
        assert all(len(value) <= 500 for value in error.headers.values())
    for other in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301
        assert (type(other), str(other)) == (type(error), str(error))
    terminal.flush()


def raise_again(record: logging.LogRecord) -> None:
    raise  # noqa: PLE0704  # called where the error is handled


@pytest.fixture
def all_names_lead_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every name has the address of a server that accepts and then hangs up."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                listening.accept()[0].close()
            except OSError:
                return

    thread = threading.Thread(target=accept)
    thread.start()
    real, address = socket.getaddrinfo, listening.getsockname()

    def resolve(host: str, port: Any, *arguments: Any, **more: Any) -> Any:
        host.encode("idna")  # which Python's own does, and which may fail
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]

    def connect(target: Any, *arguments: Any, **more: Any) -> socket.socket:
        return real_connect(address, *arguments, **more)

    real_connect = socket.create_connection
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    yield
    monkeypatch.setattr(socket, "getaddrinfo", real)
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def only_our_own(act: Callable[[], Any]) -> None:
    try:
        act()
    except AgentserverError as error:
        assert_can_be_shown_and_kept(error)


QUICK: dict[str, Any] = {"max_retries": 0, "deadline": 20}


def use(**client_settings: Any) -> Callable[[], Any]:
    def act() -> None:
        with Client(**QUICK | client_settings) as client:
            repr(client)
            client.health.check()

    return act


def use_async(**client_settings: Any) -> Callable[[], Any]:
    async def call() -> None:
        async with AsyncClient(**QUICK | client_settings) as client:
            await client.health.check()

    return lambda: asyncio.run(call())


@FUZZ
@given(url=URLS | TEXT)
def test_any_url_is_called_or_refused(all_names_lead_here, url) -> None:
    only_our_own(use(base_url=url))


@settings(FUZZ, max_examples=40)
@given(url=URLS)
def test_any_url_is_called_or_refused_by_the_async_client(all_names_lead_here, url) -> None:
    only_our_own(use_async(base_url=url))


@FUZZ
@given(proxy=URLS | st.builds("{}://{}".format, st.sampled_from(["http", "socks5"]), TEXT))
def test_any_proxy_is_used_or_refused(all_names_lead_here, proxy) -> None:
    only_our_own(use(base_url="https://agents.example", proxy=proxy))


ENVIRONMENT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30
)
"""What the environment of a process can hold."""


@settings(FUZZ, max_examples=60)
@given(
    name=st.sampled_from(
        [
            "AGENTSERVER_URL",
            "AGENTSERVER_TOKEN",
            "AGENTSERVER_EMAIL",
            "AGENTSERVER_PASSWORD",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "no_proxy",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ]
    ),
    value=ENVIRONMENT | URLS.filter(lambda url: "\ud800" not in url and "\0" not in url),
)
def test_any_environment_is_used_or_refused(all_names_lead_here, name, value) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENTSERVER_URL", "https://agents.example")
        patch.setenv(name, value)
        only_our_own(use())


@FUZZ
@given(kind=st.sampled_from(["session", "token", "password", "email"]), value=TEXT)
def test_any_credential_is_sent_or_refused(kind, value, call) -> None:
    needed = ("email", "password") if kind in ("email", "password") else ()
    credentials = dict.fromkeys(needed, "a@example.org") | {kind: value}
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json=[], headers={"Set-Cookie": "agentserver-token=s"})
    )

    def act() -> None:
        with Client("https://agents.example", transport=transport, **credentials) as client:
            client.workspaces.list()

    only_our_own(act)


@FUZZ
@given(value=TEXT)
def test_any_argument_is_sent_or_refused(value) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={}))
    with Client("https://agents.example", session="s", transport=transport) as client:
        only_our_own(lambda: client.workspaces.get(value))
        only_our_own(lambda: client.workspaces.create(name=value))
        only_our_own(lambda: client.auth.login(email=value, password=value))


@pytest.mark.parametrize(
    "given_settings",
    [
        {"verify": "no\0file"},
        {"verify": "\ud800"},
        {"verify": "/dev/null"},
        {"timeout": 1e300},
        {"deadline": 1e300},
        {"timeout": float("inf")},
        {"deadline": float("inf")},
        {"deadline": float("nan")},
        {"timeout": 1e-300},
        {"deadline": 5e-324},
        {"timeout": 10**400},
        {"max_retries": 10**400, "deadline": 0.5},
        {"max_response_bytes": 10**400},
        {"max_response_bytes": 0},
    ],
    ids=repr,
)
@pytest.mark.parametrize("using", [use, use_async])
def test_any_setting_is_used_or_refused(using, given_settings, all_names_lead_here) -> None:
    with pytest.raises(AgentserverError) as caught:
        using(base_url="https://agents.example", **given_settings)()
    assert_can_be_shown_and_kept(caught.value)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_of_the_environment_that_are_not_there_are_named(
    name, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "none"))
    if name == "SSL_CERT_FILE":
        with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
            use(base_url="https://127.0.0.1:1")()


# --- answers --------------------------------------------------------------------------------------

BYTES = st.binary(max_size=60)
HEADER_VALUES = (
    st.binary(max_size=40)
    | TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.sampled_from([b"9" * 5000, b"-1", b"1e9", b"0x10", b"gzip, chunked", b"\xff", b"a\x00b"])
)
HEADER_NAMES = st.sampled_from(
    [
        b"Content-Length",
        b"Transfer-Encoding",
        b"Content-Encoding",
        b"Content-Type",
        b"Location",
        b"Retry-After",
        b"Date",
        b"Set-Cookie",
        b"X-Request-Id",
        b"Connection",
        b"Upgrade",
        b"Server",
        b"X-\xff",
        b"",
    ]
)
ANSWERS = st.builds(
    lambda status, headers, body: (
        b"HTTP/1.1 %s\r\n%s\r\n%s"
        % (status, b"".join(b"%s: %s\r\n" % header for header in headers), body)
    ),
    st.sampled_from([200, 101, 199, 204, 302, 304, 401, 404, 503, 599, 600, 999]).map(
        b"%d X".__mod__
    )
    | st.sampled_from([b"201 \xff", b"000 X", b"OK", b""]),
    st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=3),
    BYTES | st.sampled_from([b'{"error": "\\ud800"}', b"\x1f\x8b", b"5\r\nhello\r\n0\r\n\r\n"]),
)


class RawServer:
    """Answers every connection with the bytes of the moment, and hangs up."""

    def __init__(self) -> None:
        self.answer = b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(self.answer)
                except OSError:
                    continue


@pytest.fixture(scope="module")
def raw() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.stop()


@settings(FUZZ, max_examples=250)
@given(answer=ANSWERS | BYTES, method=st.sampled_from(["GET", "POST"]))
def test_any_answer_is_read_or_raises_our_own(raw, call, answer, method) -> None:
    raw.answer = answer

    def act() -> None:
        with Client(raw.url, session="s", max_retries=0, deadline=20) as client:
            client._call(call(method, security=("sessionCookie",)))

    only_our_own(act)


@settings(FUZZ, max_examples=60)
@given(answer=ANSWERS, method=st.sampled_from(["GET", "POST"]))
def test_any_answer_is_read_or_raises_our_own_async(raw, call, answer, method) -> None:
    raw.answer = answer

    async def act() -> None:
        async with AsyncClient(raw.url, session="s", max_retries=0, deadline=20) as client:
            await client._call(call(method, security=("sessionCookie",)))

    only_our_own(lambda: asyncio.run(act()))


@FUZZ
@given(
    status=st.integers(200, 599),
    body=TEXT.map(lambda text: json.dumps({"error": text, "message": text}))
    | st.recursive(
        st.none() | st.floats() | st.integers() | TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
        max_leaves=8,
    ).map(json.dumps)
    | TEXT,
    media_type=st.sampled_from(["application/json", "text/plain", "application/problem+json", "x"]),
)
def test_any_text_of_a_server_is_raised_as_our_own(flow, call, reply, status, body, media_type):
    made = call("POST", decode=lambda wire, decoding: wire)
    content = body.encode("utf-8", "surrogatepass")
    run = flow.run(made, reply(status, content, type=media_type), max_retries=0)
    assert run.error is None or isinstance(run.error, AgentserverError)
    if run.error is not None:
        assert_can_be_shown_and_kept(run.error)


@FUZZ
@given(location=TEXT | URLS, method=st.sampled_from(["GET", "PUT"]))
@example(location="http://xn--/", method="GET")
def test_any_redirect_is_followed_or_refused(flow, call, reply, location, method) -> None:
    raw = location.encode("utf-8", "surrogatepass").decode("latin-1")
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=1))
    with flow.client(transport=transport) as client:
        answers = iter([reply(307, location=raw), reply(200)])

        def perform(step: Any) -> Any:
            from agentserver._http import _request
            from agentserver._limits import TimeLimits
            from agentserver._options import Timeout

            assert _request(step, TimeLimits(Timeout(), step.ends, lambda: 0.0)) is not None
            return next(answers)

        from agentserver._transport import drive

        only_our_own(lambda: drive(client._flow(call(method)), perform))


def test_an_error_with_huge_texts_stays_small(flow, call, reply) -> None:
    long = "x\n" * 1_000_000
    body = {"error": long, "message": long}
    headers = {"server": "s" * 90_000, "x_request_id": "r" * 90_000}
    error = flow.run(call("POST"), reply(404, body, **headers)).error
    assert type(error) is NotFound
    assert_can_be_shown_and_kept(error)
    assert len(pickle.dumps(error)) < 70_000

    wrong = {"a" * 100_000: {"\ud800\n": 1}}
    path = flow.run(call(decode=refuse_first_key), reply(200, wrong)).error
    assert type(path) is ResponseValidationError
    assert_can_be_shown_and_kept(path)


def refuse_first_key(wire: Any, decoding: Any) -> None:
    from agentserver._decoding import DecodeError

    raise DecodeError(f"$.{next(iter(wire))}", f"is {next(iter(wire))}")


@pytest.mark.parametrize("status", [200, 404])
def test_nesting_without_end_is_an_answer_that_cannot_be_read(status, flow, call, reply) -> None:
    deep = b'{"error":' * 100_000
    assert isinstance(flow.run(call("POST"), reply(status, deep)).error, AgentserverError)


def test_every_error_made_by_hand_can_be_kept() -> None:
    for status in range(400, 600):
        error = class_for(status)("\ud800 \x1b[31m", body="\ud800", code="\ud800")
        assert_can_be_shown_and_kept(error)
    assert_can_be_shown_and_kept(ConfigurationError("\ud800"))
    assert "\ud800" not in str(ConfigurationError("\ud800"))
    assert repr(Secret("\ud800")) == "***"
