"""Connections that keep the limits of a call: httpcore's own know no limit but that of one read.

A name is looked up by a thread, which a call does not wait for beyond its own limit. Each read and
write gets what is left of its phase, and so does each address of a server that has several.
"""

from __future__ import annotations

import select
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, TypeVar

import anyio
import httpcore
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

from ._limits import PhaseLimit

_PIECE: Final = 64 * 1024
"""Bytes that are written at once, for time is looked at between the pieces."""
_NEXT_ADDRESS_AFTER: Final = 0.25
"""Seconds after which the next address is tried beside one that does not answer; RFC 8305."""

SocketOptions = Iterable[Any] | None
T = TypeVar("T")


# --- names ----------------------------------------------------------------------------------------


def _look_up(host: str, port: int) -> Future[list[str]]:
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


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


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
        if _is_address(host):
            return [host]
        seconds = _seconds(timeout, httpcore.ConnectTimeout)
        try:
            return _look_up(host, port).result(seconds)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name was not found in time") from None

    def _connect(
        self, address: str, port: int, seconds: float | None, local: str | None, options: Any
    ) -> httpcore.NetworkStream:
        return Stream(self._backend.connect_tcp(address, port, seconds, local, options))


# --- asynchronous ---------------------------------------------------------------------------------


@contextmanager
def _limited(timeout: float | None, late: type[Exception]) -> Iterator[None]:
    """Have a timer of the event loop end the request when its phase is over."""
    if not isinstance(timeout, PhaseLimit):
        yield
        return
    from asyncio import get_running_loop

    left, request = timeout.left(), timeout.request
    if left <= 0:
        raise late("time is up")
    timer = get_running_loop().call_later(left, request.expire)
    request.in_operation = True
    try:
        yield
    finally:
        request.in_operation = False
        timer.cancel()


def _foreign(timeout: float | None) -> float | None:
    """The timeout of another program's request, which is not limited here."""
    return None if isinstance(timeout, PhaseLimit) else timeout


class AsyncStream(httpcore.AsyncNetworkStream):
    """A connection of an event loop whose every operation ends with its phase."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes; none at the end."""
        with _limited(timeout, httpcore.ReadTimeout):
            return await self._stream.read(max_bytes, _foreign(timeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of the bytes."""
        if buffer:
            with _limited(timeout, httpcore.WriteTimeout):
                await self._stream.write(buffer, _foreign(timeout))

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Go on encrypted."""
        try:
            with _limited(timeout, httpcore.ConnectTimeout):
                return AsyncStream(
                    await self._stream.start_tls(ssl_context, server_hostname, _foreign(timeout))
                )
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        return self._stream.get_extra_info(info)


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Opens connections that keep the limits of a call."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host."""
        with _limited(timeout, httpcore.ConnectTimeout):
            return AsyncStream(
                await self._backend.connect_tcp(
                    host, port, _foreign(timeout), local_address, socket_options
                )
            )

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: SocketOptions = None
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a socket of this machine."""
        with _limited(timeout, httpcore.ConnectTimeout):
            return AsyncStream(
                await self._backend.connect_unix_socket(path, _foreign(timeout), socket_options)
            )

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._backend.sleep(seconds)


class AnyioBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for `AsyncClient`, to names that a thread of ours looks up.

    httpcore's own has the event loop look them up, whose end waits for that however long it takes.
    """

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host that takes the connection."""
        from asyncio import wrap_future

        addresses = [host] if _is_address(host) else await wrap_future(_look_up(host, port))
        with _as_connect_error():
            if len(addresses) == 1:
                return _AnyioStream(await anyio.connect_tcp(addresses[0], port))
            return _AnyioStream(await _first_connected(addresses, port))


@contextmanager
def _as_connect_error() -> Iterator[None]:
    try:
        yield
    except (anyio.BrokenResourceError, anyio.EndOfStream, OSError) as error:
        raise httpcore.ConnectError(str(error.__cause__ or error)) from error


async def _first_connected(addresses: list[str], port: int) -> ByteStream:
    """Connect to all addresses in turn, each a little later than the one before it."""
    connected: list[ByteStream] = []
    refused: list[OSError] = []

    async def connect(address: str, failed: anyio.Event) -> None:
        try:
            stream = await anyio.connect_tcp(address, port)
        except OSError as error:
            refused.append(error)
            failed.set()
            return
        connected.append(stream)
        attempts.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as attempts:
            for address in addresses:
                failed = anyio.Event()
                attempts.start_soon(connect, address, failed)
                with anyio.move_on_after(_NEXT_ADDRESS_AFTER):
                    await failed.wait()
        if not connected:
            raise refused[-1]
        return connected.pop()
    finally:
        for unused in connected:
            await unused.aclose()


class _AnyioStream(httpcore.AsyncNetworkStream):
    """A connection by anyio, as httpcore's own, but without a timeout to be set up each time."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            return b""
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            raise httpcore.ReadError(str(error)) from None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            await self._stream.send(buffer)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            raise httpcore.WriteError(str(error)) from None

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        with _as_connect_error():
            encrypted = await TLSStream.wrap(
                self._stream,
                ssl_context=ssl_context,
                hostname=server_hostname,
                standard_compatible=False,
                server_side=False,
            )
        return _AnyioStream(encrypted)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        attribute = _ATTRIBUTES.get(info)
        found = None if attribute is None else self._stream.extra(attribute, None)  # noqa: S610
        return _is_readable(found) if info == "is_readable" else found


_ATTRIBUTES: Final[dict[str, Any]] = {
    "ssl_object": TLSAttribute.ssl_object,
    "client_addr": SocketAttribute.local_address,
    "server_addr": SocketAttribute.remote_address,
    "socket": SocketAttribute.raw_socket,
    "is_readable": SocketAttribute.raw_socket,
}


def _is_readable(connection: socket.socket | None) -> bool:
    """Whether an idle connection has something to read, which is most often its end."""
    if connection is None or connection.fileno() < 0:
        return True
    if sys.platform == "win32":
        return bool(select.select([connection], [], [], 0)[0])
    polled = select.poll()
    polled.register(connection, select.POLLIN)
    return bool(polled.poll(0))
