"""Connections that keep the limits of a call: httpcore's own know no limit but that of one read.

A name is looked up by a thread, which a call does not wait for beyond its own limit. Each read and
write gets what is left of its phase, and so does each address of a server that has several.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar

import httpcore

from ._limits import PhaseLimit
from ._options import address_of

_PIECE: Final = 64 * 1024
"""Bytes that are written at once, for time is looked at between the pieces."""

SocketOptions = Iterable[Any] | None
T = TypeVar("T")


# --- names ----------------------------------------------------------------------------------------


def look_up(host: str, port: int) -> Future[list[str]]:
    """The addresses of a host, from a thread of its own: the system's resolver has no limit.

    A program can end while such a thread still waits.
    """
    found: Future[list[str]] = Future()
    found.set_running_or_notify_cancel()

    def ask() -> None:
        try:
            known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result(list(dict.fromkeys(str(info[4][0]) for info in known)))
        except (OSError, UnicodeError) as error:
            found.set_exception(httpcore.ConnectError(str(error)))

    try:
        threading.Thread(target=ask, name="agentserver-look-up", daemon=True).start()
    except RuntimeError:  # there are no threads left, or the interpreter is about to end
        ask()
    return found


# --- synchronous ----------------------------------------------------------------------------------


def _seconds(timeout: float | None, late: type[Exception]) -> float | None:
    """What is left of a phase; a timeout of another program's is taken as it is."""
    if not isinstance(timeout, PhaseLimit):
        return timeout
    left = timeout.left()
    if left <= 0:
        raise late("time is up")
    return left


class Stream(httpcore.NetworkStream):
    """A connection whose every operation gets what is left of its phase."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes; none at the end."""
        return self._stream.read(max_bytes, _seconds(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of the bytes."""
        for start in range(0, len(buffer), _PIECE):
            piece = buffer[start : start + _PIECE]
            self._stream.write(piece, _seconds(timeout, httpcore.WriteTimeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Go on encrypted."""
        try:
            if self.get_extra_info("ssl_object") is not None:
                return NestedTls(self, ssl_context, server_hostname, timeout)
            seconds = _seconds(timeout, httpcore.ConnectTimeout)
            return Stream(self._stream.start_tls(ssl_context, server_hostname, seconds))
        except BaseException:  # httpcore does not close the connection then
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        return self._stream.get_extra_info(info)


class NestedTls(httpcore.NetworkStream):
    """TLS inside a connection that is encrypted already, which leads through an https proxy.

    httpcore's own gives each of its reads the whole timeout, and one operation takes many reads.

    Args:
        stream: the connection to the proxy.
        ssl_context: the settings of the inner TLS.
        server_hostname: the name in the server's certificate.
        timeout: the limit of the handshake.
    """

    def __init__(
        self,
        stream: Stream,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None,
        timeout: float | None,
    ) -> None:
        self._stream = stream
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = ssl_context.wrap_bio(
            self._received, self._to_send, server_hostname=server_hostname
        )
        with _as(httpcore.ConnectTimeout, httpcore.ConnectError):
            self._perform(self._tls.do_handshake, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes; none at the end."""
        with _as(httpcore.ReadTimeout, httpcore.ReadError):
            return self._perform(lambda: self._tls.read(max_bytes), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of the bytes."""
        with _as(httpcore.WriteTimeout, httpcore.WriteError):
            for start in range(0, len(buffer), _PIECE):
                piece = buffer[start : start + _PIECE]
                while piece:
                    written = self._perform(partial(self._tls.write, piece), timeout)
                    piece = piece[written:]

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        return self._tls if info == "ssl_object" else self._stream.get_extra_info(info)

    def _perform(self, operation: Callable[[], T], timeout: float | None) -> T:
        """Do something by TLS, and what it takes on the connection."""
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                self._flush(timeout)
                received = self._stream.read(_PIECE, timeout)
                if received:
                    self._received.write(received)
                else:
                    self._received.write_eof()
            else:
                self._flush(timeout)
                return result

    def _flush(self, timeout: float | None) -> None:
        if self._to_send.pending:
            self._stream.write(self._to_send.read(), timeout)


@contextmanager
def _as(late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    """Have one operation fail in its own way, whatever it was doing on the connection."""
    try:
        yield
    except (httpcore.ReadTimeout, httpcore.WriteTimeout) as error:
        raise late(str(error)) from error
    except (httpcore.ReadError, httpcore.WriteError, OSError) as error:
        raise broken(str(error)) from error


class Backend(httpcore.NetworkBackend):
    """Opens connections for `Client`."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that takes the connection."""
        *others, last = self._addresses(host, port, timeout)
        for at, address in enumerate(others):
            share = _seconds(timeout, httpcore.ConnectTimeout)
            if share is not None:
                share /= len(others) + 1 - at
            try:
                return self._connect(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        seconds = _seconds(timeout, httpcore.ConnectTimeout)
        return self._connect(last, port, seconds, local_address, socket_options)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> httpcore.NetworkStream:
        """Connect to a socket of this machine."""
        seconds = _seconds(timeout, httpcore.ConnectTimeout)
        return Stream(self._backend.connect_unix_socket(path, seconds, socket_options))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._backend.sleep(seconds)

    def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        if address_of(host) is not None:
            return [host]
        seconds = _seconds(timeout, httpcore.ConnectTimeout)
        try:
            return look_up(host, port).result(seconds)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name was not found in time") from None

    def _connect(
        self, address: str, port: int, seconds: float | None, local: str | None, options: Any
    ) -> httpcore.NetworkStream:
        return Stream(self._backend.connect_tcp(address, port, seconds, local, options))
