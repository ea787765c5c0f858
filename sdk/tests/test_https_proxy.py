"""A server that is reached through an https proxy: TLS inside TLS, within the same limits."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import self_signed
from hostile import HEAD, Behaviour, Hostile, assert_ended_by_deadline, both, outcome, says

from agentserver import Client, ConnectionFailed, OutcomeUnknown

CONNECTED = b"HTTP/1.1 200 Connected\r\n\r\n"


class Inside:
    """The server's end of TLS inside an encrypted connection, as far as `Hostile` needs it."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext) -> None:
        self._outer = outer
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_side=True)
        self._perform(self._tls.do_handshake)

    def recv(self, size: int) -> bytes:
        return bytes(self._perform(lambda: self._tls.read(size)))

    def sendall(self, data: bytes) -> None:
        self._perform(lambda: self._tls.write(data))

    def _perform(self, operation: Callable[[], Any]) -> Any:
        while True:
            try:
                done = operation()
            except ssl.SSLWantReadError:
                self._outer.sendall(self._to_send.read())
                received = self._outer.recv(65536)
                if not received:
                    raise OSError("closed") from None
                self._received.write(received)
            else:
                self._outer.sendall(self._to_send.read())
                return done


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The settings of proxy and server, whose certificate every client trusts."""
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


@pytest.fixture
def proxy(context: ssl.SSLContext) -> Iterator[Callable[[Behaviour], Hostile]]:
    """Starts https proxies, each of which does as a test says once it is asked for a tunnel."""
    started: list[Hostile] = []

    def start(behaviour: Behaviour) -> Hostile:
        def tunnel(server: Hostile, connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as encrypted:
                assert encrypted.recv(65536).startswith(b"CONNECT 127.0.0.1:1 ")
                encrypted.sendall(CONNECTED)
                behaviour(server, encrypted)

        started.append(Hostile(tunnel))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def within(context: ssl.SSLContext, behaviour: Any) -> Behaviour:
    """Behave so inside the tunnel, where TLS is complete."""
    return lambda server, connection: behaviour(server, Inside(connection, context))  # type: ignore[arg-type]


def through(server: Hostile) -> dict[str, Any]:
    return {"proxy": f"https://{server.address}"}


@both
def test_a_server_is_reached_through_an_https_proxy(asynchronous, proxy, context, call) -> None:
    large = b'"' + b"x" * 300_000 + b'"'
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(large)
    server = proxy(within(context, says(head + large)))
    error, _ = outcome("https://127.0.0.1:1", call(), asynchronous, deadline=20, **through(server))
    assert error is None


@both
@pytest.mark.parametrize("verify", ["server.pem", False])
def test_the_proxys_own_certificate_is_held_to_verify(
    verify, asynchronous, proxy, context, call, tmp_path, monkeypatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    server = proxy(within(context, says(HEAD + b"Content-Length: 2\r\n\r\n", b"{}")))
    settings = through(server) | {"verify": verify and tmp_path / verify}
    error, _ = outcome("https://127.0.0.1:1", call(), asynchronous, deadline=20, **settings)
    assert error is None


@both
def test_a_proxy_whose_certificate_nobody_signed_is_refused(
    asynchronous, proxy, call, monkeypatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    server = proxy(says(b""))
    error, _ = outcome("https://127.0.0.1:1", call(), asynchronous, deadline=20, **through(server))
    assert isinstance(error, ConnectionFailed), error


@both
@pytest.mark.parametrize(
    "parts",
    [(b"",), (b"\x16\x03\x03\x40\x00", b"x")],
    ids=["no answer", "a handshake byte by byte"],
)
def test_the_deadline_ends_the_inner_handshake(parts, asynchronous, proxy, call) -> None:
    server = proxy(says(*parts))
    error, took = outcome("https://127.0.0.1:1", call(), asynchronous, **through(server))
    assert_ended_by_deadline(error, took)


@both
@pytest.mark.parametrize(
    "parts",
    [
        (b"",),
        (HEAD + b"X-Long: ", b"x"),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    ],
    ids=["no answer", "a header byte by byte", "a body byte by byte"],
)
def test_the_deadline_ends_an_answer_in_the_tunnel(
    parts, asynchronous, proxy, context, call
) -> None:
    server = proxy(within(context, says(*parts)))
    error, took = outcome("https://127.0.0.1:1", call(), asynchronous, **through(server))
    assert_ended_by_deadline(error, took)


@both
def test_the_deadline_ends_a_record_byte_by_byte(asynchronous, proxy, context, call) -> None:
    """Each byte of the outer TLS is one read, and none of them completes a record inside."""

    def behave(server: Hostile, connection: Any) -> None:
        Inside(connection, context).recv(65536)
        server.send_slowly(connection, b"\x17\x03\x03\x40\x00")
        while not server.over.is_set():
            server.send_slowly(connection, b"x")

    error, took = outcome("https://127.0.0.1:1", call(), asynchronous, **through(proxy(behave)))
    assert_ended_by_deadline(error, took)


@both
def test_the_deadline_ends_a_request_that_the_tunnel_does_not_read(
    asynchronous, proxy, context, call
) -> None:
    def behave(server: Hostile, connection: Any) -> None:
        Inside(connection, context)
        server.over.wait()

    error, took = outcome(
        "https://127.0.0.1:1",
        call("PUT", body={"a": "x" * 9_000_000}),
        asynchronous,
        deadline=4.0,
        **through(proxy(behave)),
    )
    assert isinstance(error, OutcomeUnknown), repr(error)
    assert error.phase == "write"
    assert took < 8


def test_a_connection_in_a_tunnel_is_used_again(proxy, context, call) -> None:
    answers = threading.Semaphore(2)

    def behave(server: Hostile, connection: Any) -> None:
        inside = Inside(connection, context)
        while answers.acquire(blocking=False):
            inside.recv(65536)
            inside.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    server = proxy(behave)
    with Client("https://127.0.0.1:1", **through(server)) as client:
        client._call(call())
        client._call(call())
    assert server.accepted == 1


def test_a_certificate_that_is_not_trusted_is_refused_in_the_tunnel(
    proxy, context, call, tmp_path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    server = proxy(within(context, says(b"")))
    settings = {"verify": self_signed(other), "deadline": 20, **through(server)}
    error, _ = outcome("https://127.0.0.1:1", call(), False, **settings)
    assert "cannot connect securely" in str(error)
