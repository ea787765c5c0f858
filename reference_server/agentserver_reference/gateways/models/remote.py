"""A language model at a URL. Requests and answers are passed on, but for credentials."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import cast

import httpx

from agentserver_reference.domain.errors import BadGateway
from agentserver_reference.gateways.models.protocol import ModelRequest
from agentserver_reference.replies import PassThrough, end_to_end

_TIMEOUT = httpx.Timeout(600.0, connect=10.0, pool=None)
"""Seconds. A model may think for minutes before it says anything."""

_LIMITS = _TIMEOUT.as_dict()

_CREDENTIALS = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"})
_OF_THE_CONNECTION = frozenset({"host", "content-length", "accept-encoding", "expect"})
_DROPPED = _CREDENTIALS | _OF_THE_CONNECTION
_OF_THE_TRANSFER = frozenset({"content-length", "content-encoding"})
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_API = "/v1"


_address = lru_cache(maxsize=64)(httpx.URL)
"""Parses an address, which takes half of the time that making a request does."""


def open_client() -> httpx.AsyncClient:
    """Open what all models are called with."""
    unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    return httpx.AsyncClient(timeout=_TIMEOUT, limits=unlimited, follow_redirects=False)


class RemoteModel:
    """Calls the model at `base_url`, which may end in `/v1`, with the server's own credential."""

    def __init__(
        self, client: httpx.AsyncClient, base_url: str, credential: Mapping[str, str]
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/").removesuffix(_API)
        self._credential = credential

    async def send(self, request: ModelRequest) -> PassThrough:
        """See Model."""
        headers = [
            (name, value)
            for name, value in end_to_end(request.headers)
            if name.lower() not in _DROPPED
        ]
        query = f"?{request.query}" if request.query else ""
        try:
            asked = httpx.Request(
                request.method,
                _address(f"{self._base_url}{request.path}{query}"),
                # Not compressed, so that the counts in it can be read along.
                headers=[*headers, ("accept-encoding", "identity"), *self._credential.items()],
                content=request.body or None,
                extensions={"timeout": _LIMITS},
            )
            # Not by the client's `send`, which does what a proxy must not, and takes as long as
            # everything else: it follows redirects, logs in, and keeps cookies for the next caller.
            response = await self._client._transport_for_url(asked.url).handle_async_request(asked)
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            raise BadGateway("the language model cannot be reached") from None
        if response.status_code in _REFUSED:
            # Its text is about the server's credential, and none of the client's business.
            await response.aclose()
            raise BadGateway("the language model refused the server's credential")
        return PassThrough(
            response.status_code,
            tuple(
                (name, value)
                for name, value in response.headers.multi_items()
                if name.lower() not in _OF_THE_TRANSFER
            ),
            _chunks(response),
            response.aclose,
        )


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in _decoded(response):
            yield chunk
        await response.aclose()
    except (httpx.HTTPError, OSError):
        raise BadGateway("the language model broke off its answer") from None


def _decoded(response: httpx.Response) -> AsyncIterable[bytes]:
    if "content-encoding" in response.headers:  # although it was asked for without
        return response.aiter_bytes()
    return cast("httpx.AsyncByteStream", response.stream)
