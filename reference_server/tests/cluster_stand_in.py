"""A cluster's API server with TLS, on a real socket: what reached it, and what it answers."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
from authority import Authority, Issued

HOST = "localhost"
PODS = b'{"kind":"PodList","items":[]}'


@attrs.define
class Asked:
    """A request that reached the cluster."""

    method: str
    target: str
    head: str
    """As it came."""
    headers: dict[str, str]
    """By names in lower case."""
    body: bytes = b""
    person: str | None = None
    """Whom the certificate of the client is of."""


Respond = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def answer(status: str, body: bytes = PODS, *headers: str) -> Respond:
    """What answers this to everything."""
    head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]

    async def respond(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(head).encode() + body)

    return respond


@attrs.define
class ClusterStandIn:
    """The stand-in."""

    authority: Authority
    host: str = HOST
    port: int = 0
    connections: int = 0
    asked: list[Asked] = attrs.field(factory=list)
    arrived: asyncio.Queue[bytes] = attrs.field(factory=asyncio.Queue)
    """The parts of bodies, as they arrive."""
    respond: Respond = answer("200 OK", PODS, "content-type: application/json")
    left: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Set when a client has closed its connection."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://{self.host}:{self.port}"

    def kubeconfig(self, *, server: str | None = None, **user: str) -> str:
        """A kubeconfig of it, with a user of these fields."""
        cluster = {
            "server": server or self.url,
            "certificate-authority-data": _base64(self.authority.certificate),
        }
        return kubeconfig(cluster, user)

    def of_person(self, issued: Issued) -> str:
        """A kubeconfig of it, with a certificate."""
        return self.kubeconfig(
            **{
                "client-certificate-data": _base64(issued.certificate),
                "client-key-data": _base64(issued.key),
            }
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        shown = writer.get_extra_info("peercert")
        person = dict(each[0] for each in shown["subject"])["commonName"] if shown else None
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                line, *fields = head.splitlines()
                method, target, _ = line.split()
                named = (each.split(": ", 1) for each in fields if each)
                headers = {name.lower(): value for name, value in named}
                asked = Asked(method, target, head, headers, person=person)
                self.asked.append(asked)
                asked.body = await self._body(reader, headers)
                await self.respond(asked, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            self.left.set()
        finally:
            writer.close()

    async def _body(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        body = b""
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await reader.readline(), 16):
                part = (await reader.readexactly(size + 2))[:-2]
                self.arrived.put_nowait(part)
                body += part
            await reader.readline()
        elif length := int(headers.get("content-length", "0")):
            body = await reader.readexactly(length)
        return body


def kubeconfig(cluster: dict[str, Any], user: dict[str, Any]) -> str:
    """A kubeconfig, as JSON."""
    return json.dumps(
        {
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
        }
    )


@asynccontextmanager
async def cluster_stand_in(
    authority: Authority, *, host: str = HOST, asks_for_certificate: bool = False
) -> AsyncIterator[ClusterStandIn]:
    """Start it."""
    made = ClusterStandIn(authority, host)
    tls = authority.server(host, asks_for_certificate=asks_for_certificate)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
