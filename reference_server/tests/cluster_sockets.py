"""A cluster's API server with TLS that opens WebSockets: what it was sent, and what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import attrs
from authority import Authority
from cluster_stand_in import HOST, ClusterStandIn
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

Converse = Callable[[ServerConnection], Awaitable[None]]


async def echo(socket: ServerConnection) -> None:
    """Say everything again."""
    async for message in socket:
        await socket.send(message)


@attrs.define
class ClusterSockets:
    """The stand-in."""

    config: ClusterStandIn
    """What kubeconfigs are made of."""
    converse: Converse = echo
    chooses: str | None = None
    """The subprotocol."""
    refusal: Response | None = None
    """What it answers instead."""
    asked: list[Request] = attrs.field(factory=list)
    people: list[str] = attrs.field(factory=list)
    """Whom the certificates of clients are of."""
    sockets: asyncio.Queue[ServerConnection] = attrs.field(factory=asyncio.Queue)
    """Those that were opened."""

    async def accept(self, socket: ServerConnection) -> None:
        """Converse by a WebSocket."""
        shown = socket.transport.get_extra_info("peercert")
        if shown:
            self.people.append(dict(each[0] for each in shown["subject"])["commonName"])
        self.sockets.put_nowait(socket)
        await self.converse(socket)

    async def look(self, _: ServerConnection, request: Request) -> Response | None:
        """Note what is asked for."""
        self.asked.append(request)
        return self.refusal

    async def choose(self, _: ServerConnection, __: Request, response: Response) -> None:
        """Choose the subprotocol."""
        if self.chooses is not None:
            response.headers["Sec-WebSocket-Protocol"] = self.chooses


class _Connection(ServerConnection):
    """Takes any subprotocol."""

    def __init__(self, protocol: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(protocol, *arguments, **named)
        protocol.process_subprotocol = lambda _: None


def refusing(status: int, body: bytes, **headers: str) -> Response:
    """An answer that opens no WebSocket."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    fields = {**named, "Content-Length": str(len(body)), "Connection": "close"}
    return Response(status, HTTPStatus(status).phrase, Headers(fields), body)


@asynccontextmanager
async def cluster_sockets(
    authority: Authority, *, host: str = HOST, asks_for_certificate: bool = False
) -> AsyncIterator[ClusterSockets]:
    """Start it."""
    made = ClusterSockets(ClusterStandIn(authority, host))
    async with serve(
        made.accept,
        "127.0.0.1",
        0,
        ssl=authority.server(host, asks_for_certificate=asks_for_certificate),
        process_request=made.look,
        process_response=made.choose,
        create_connection=_Connection,
        compression=None,
        max_size=None,
        close_timeout=1,
    ) as server:
        made.config.port = next(iter(server.sockets)).getsockname()[1]
        yield made
