"""A connection of HTTP/1.1 with bounds, so that a client cannot exhaust the server.

uvicorn's protocol with httptools reads heads of any size for any time. This one refuses a request
that is malformed, too large or too slow before the application is asked, with the headers that
every answer carries.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import attrs
import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from agentserver_reference.http.dispatch import REQUEST_ID
from agentserver_reference.http.lingering import LingeringTransport
from agentserver_reference.logs import LOGGER, event

SURPLUS = 100
"""Connections beyond the limit that are still answered (503); further ones are closed at once."""

SURPLUS_SECONDS = 5
"""How long such a connection may take to send the request that is answered 503."""

RETRY_AFTER = 1
"""Seconds after which a request that found too many connections may be sent again."""

_logger = logging.getLogger(LOGGER)


@attrs.frozen
class Limits:
    """What one connection may ask of the server, and how many there may be."""

    head_bytes: int
    """Of the request line and the headers together; also of trailers."""
    headers: int
    request_seconds: float
    """From the first byte of a request, or the beginning of the connection, to the last byte."""
    connections: int


class _Refused(Exception):
    """Raised in a callback of the parser, which then stops."""


class BoundedProtocol(HttpToolsProtocol):
    """See the module.

    Arguments:
        limits: what is refused.
        ids: makes the ids of requests that bring none.
    """

    parser: Any
    """Of httptools; there is one for as long as data arrives."""

    def __init__(
        self, *arguments: Any, limits: Limits, ids: Callable[[], str], **named: Any
    ) -> None:
        super().__init__(*arguments, **named)
        self.headers = []
        self._limits = limits
        self._ids = ids
        self._refusal: tuple[int, str] | None = None
        self._is_surplus = False
        self._receiving = False
        self._unparsed = 0
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to measure the time; a connection too many is going to be refused."""
        self._lingering = LingeringTransport(transport, self.loop, self._more_may_arrive)
        super().connection_made(self._lingering)  # type: ignore[arg-type]
        surplus = len(self.connections) - self._limits.connections
        self._is_surplus = surplus > 0
        if surplus > SURPLUS:
            transport.abort()
        else:
            self._start_timer(SURPLUS_SECONDS if self._is_surplus else self._limits.request_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer, which would keep this connection in memory."""
        self._stop_timer()
        self._lingering.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, within the limits."""
        self._unset_keepalive_if_required()
        if self._refusal is not None or self._lingering.is_lingering:
            return
        if self._is_surplus:
            self._refuse(503, "too many connections")
            return
        self._unparsed += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._stop_timer()
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            return
        except httptools.HttpParserError as error:
            reason = error.__context__
            if isinstance(reason, _Refused):
                self._refuse(*reason.args)
            else:
                self._refuse(400, "malformed request")
            return
        # A single header, or a chunk's extension, that does not end.
        if self._unparsed > self._limits.head_bytes:
            self._refuse(431, self._too_large())
        elif self._timer is None and (self._receiving or self._is_idle()):
            self._start_timer(self._limits.request_seconds)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._receiving = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or trailer."""
        self._count(len(name) + len(value) + len(": \r\n"))
        if len(self.headers) >= self._limits.headers:
            raise _Refused(431, f"headers: must not be over {self._limits.headers}")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The end of the head: the application is asked."""
        self._unparsed = 0
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() != "1.0"):
            raise _Refused(400, "Host: must be given once")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._receiving = False
        self._unparsed = 0
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is sent. From here on the keep-alive timer measures the time."""
        if not self._receiving:
            self._stop_timer()
        super().on_response_complete()

    def _count(self, length: int) -> None:
        self._head_bytes += length
        if self._head_bytes > self._limits.head_bytes:
            raise _Refused(431, self._too_large())

    def _too_large(self) -> str:
        return f"request line and headers: must not be over {self._limits.head_bytes} bytes"

    def _more_may_arrive(self) -> bool:
        """Whether a request is not read to its end."""
        return self._receiving and not self._is_surplus

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is None or cycle.response_complete

    def _start_timer(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._expire)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        if self._lingering.is_closing():
            return
        if self._receiving:
            self._receiving = False  # it has had its time
            seconds = self._limits.request_seconds
            self._refuse(408, f"the request did not arrive within {seconds} seconds")
        else:
            self.transport.close()

    def _refuse(self, status: int, line: str) -> None:
        """Answer, and close the connection, of which nothing more is read."""
        self._refusal = status, line
        self._stop_timer()
        if not self._is_idle():
            if not self.cycle.more_body:
                # An earlier request is being answered. The connection ends after its answer.
                self.cycle.keep_alive = False
                self.flow.pause_reading()
                return
            if self.cycle.response_started or self.pipeline:
                self.transport.close()
                return
            # The application waits for the rest of the body.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        request_id = self._request_id()
        body = f"{line}\n".encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            (b"x-request-id", request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        if status == 503:
            headers.append((b"retry-after", str(RETRY_AFTER).encode()))
        head = b"".join(b"%s: %s\r\n" % header for header in headers)
        sent = b"" if self.parser.get_method() == b"HEAD" else body
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + sent)
        self.transport.close()
        event(_logger, logging.INFO, "refused", request_id=request_id, status=status, reason=line)

    def _request_id(self) -> str:
        for name, value in self.headers:
            given = value.decode("latin-1")
            if name == b"x-request-id" and REQUEST_ID.fullmatch(given):
                return given
        return self._ids()
