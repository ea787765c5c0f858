"""A transport that stands between the SDK and a server, and lets each attempt of a call fail.

Nothing in it waits: the clock of the SDK is moved instead.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TypeAlias

import httpx

from agentserver_contract.http.messages import Request, Response
from agentserver_contract.http.target import Target

MOST_ATTEMPTS = 10
"""After so many requests of one call, it is ended: the SDK would go on for ever."""
LATE_SECONDS = 3600.0
"""How long a late response takes."""
SLOW_CLOCK_SECONDS = 86_400.0
"""How far the server's clock is behind that of the SDK."""

_EPOCH = 1_750_000_000.0


@dataclass
class Clock:
    """The clock of one call, in seconds. It moves by what waits, and never by itself."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)
    """How long the SDK waited, each time that it did."""

    def __call__(self) -> float:
        """Seconds since an unknown point in time."""
        return self.now

    def wall_time(self) -> float:
        """The Unix time."""
        return _EPOCH + self.now

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.waits.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        """Wait."""
        self.sleep(seconds)


Effect: TypeAlias = "Callable[[httpx.Request, Response, Clock], httpx.Response]"
"""What becomes of one attempt, given the response that the server gives to it."""


class EndlessRetries(Exception):
    """The SDK has sent a request MOST_ATTEMPTS times, and would go on."""


class FaultyTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers the attempts of one call.

    Args:
        response: What the server answers.
        effects: What becomes of each attempt; the last of them counts for all that follow.
        clock: The clock of the call.
    """

    def __init__(self, response: Response, effects: Sequence[Effect], clock: Clock) -> None:
        self.requests: list[Request] = []
        """What the SDK has sent."""
        self._response = response
        self._effects = effects
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer an attempt, or let it fail.

        Raises:
            EndlessRetries: There were too many.
        """
        request.read()
        if len(self.requests) == MOST_ATTEMPTS:
            raise EndlessRetries(f"more than {MOST_ATTEMPTS} requests for one call")
        effect = self._effects[min(len(self.requests), len(self._effects) - 1)]
        self.requests.append(Request.from_httpx(request))
        return effect(request, self._response, self._clock)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Do the same for the asynchronous client."""
        await request.aread()
        return self.handle_request(request)


class _Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body as it arrives, whose connection may break behind the last piece."""

    def __init__(self, body: bytes, broken_by: Exception | None = None) -> None:
        self._body = body
        self._broken_by = broken_by

    def __iter__(self) -> Iterator[bytes]:
        if self._body:
            yield self._body
        if self._broken_by is not None:
            raise self._broken_by

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


# --- effects --------------------------------------------------------------------------------------


def answered(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
    """The response arrives as it is."""
    return _with_body(response, response.body)


def refused(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
    """There is no connection, so that nothing was sent."""
    raise httpx.ConnectError("connection refused", request=request)


def lost(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
    """The server has done what was asked, and the connection breaks before its response."""
    raise httpx.RemoteProtocolError("disconnected without a response", request=request)


def cut(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
    """The connection breaks in the middle of the body."""
    broken = httpx.RemoteProtocolError("disconnected within the body", request=request)
    return _with_body(response, response.body[: len(response.body) // 2], broken_by=broken)


def late(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
    """The response takes longer than the SDK waits for it."""
    limit = request.extensions.get("timeout", {}).get("read")
    if limit is None or limit > LATE_SECONDS:
        clock.now += LATE_SECONDS
        return answered(request, response, clock)
    clock.now += float(limit)
    raise httpx.ReadTimeout("no response in time", request=request)


def gzipped(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
    """The body is compressed."""
    return _with_body(response, gzip.compress(response.body), encoding="gzip")


def deflated(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
    """The body is compressed in a way that was not asked for."""
    return _with_body(response, zlib.compress(response.body), encoding="deflate")


def not_gzipped(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
    """The body is not compressed, although a header says so."""
    return _with_body(response, response.body, encoding="gzip")


def half_gzipped(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
    """The body is compressed, and ends too early although the connection does not break."""
    packed = gzip.compress(response.body)
    return _with_body(response, packed[: len(packed) // 2], encoding="gzip")


def error(status: int, *, retry_after: float | None = None, as_date: bool = False) -> Effect:
    """An effect: the server answers with an error.

    Args:
        status: Its status.
        retry_after: The seconds that the server asks to wait.
        as_date: Whether it names a time instead, by its own clock, which is SLOW_CLOCK_SECONDS
            behind.
    """

    def answer(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
        headers = {"content-type": "text/plain; charset=utf-8"}
        now = clock.wall_time() - SLOW_CLOCK_SECONDS
        if retry_after is not None and as_date:
            headers["date"] = formatdate(now, usegmt=True)
            headers["retry-after"] = formatdate(now + retry_after, usegmt=True)
        elif retry_after is not None:
            headers["retry-after"] = f"{retry_after:g}"
        return httpx.Response(status, headers=headers, stream=_Pieces(b"not now\n"))

    return answer


def forwarded(target: Target, responses: list[Response]) -> Effect:
    """An effect: the request goes to the server, whose response is kept in `responses`."""

    def forward(request: httpx.Request, response: Response, clock: Clock) -> httpx.Response:
        responses.append(target.send(Request.from_httpx(request)))
        return answered(request, responses[-1], clock)

    return forward


# Headers that describe the bytes that were sent, and not the body that was read from them.
_OF_THE_BYTES = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def _with_body(
    response: Response,
    body: bytes,
    *,
    encoding: str | None = None,
    broken_by: Exception | None = None,
) -> httpx.Response:
    headers = [
        (name, value)
        for name, values in response.headers.items()
        if name not in _OF_THE_BYTES
        for value in values
    ]
    headers += [("content-encoding", encoding)] if encoding is not None else []
    return httpx.Response(response.status, headers=headers, stream=_Pieces(body, broken_by))
