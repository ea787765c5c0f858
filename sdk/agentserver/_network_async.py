"""The connections of `AsyncClient`: those of `_network`, for an event loop.

They are a module of their own because asyncio and anyio take a while to import, and programs that
never await do without them.
"""

from __future__ import annotations

import select
import socket
import ssl
import sys
from asyncio import get_running_loop, wrap_future
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import anyio
import httpcore
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

from ._limits import PhaseLimit
from ._network import SocketOptions, look_up
from ._options import address_of

_NEXT_ADDRESS_AFTER: Final = 0.25
"""Seconds after which the next address is tried beside one that does not answer; RFC 8305."""


@contextmanager
def _limited(timeout: float | None, late: type[Exception]) -> Iterator[None]:
    """Have a timer of the event loop end the request when its phase is over."""
    if not isinstance(timeout, PhaseLimit):
        yield
        return
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
        addresses = await wrap_future(look_up(host, port)) if address_of(host) is None else [host]
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
