"""Calls to addresses that callers give: where they connect, and how they fail."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
import pytest
from authority import Authority

from agentserver_reference.domain.addresses import address_in, is_private
from agentserver_reference.gateways import outside
from agentserver_reference.gateways.failures import (
    CredentialRefused,
    NotUnderstood,
    OutsideError,
    RateLimited,
    Unreachable,
)
from agentserver_reference.gateways.outside import Outside

pytestmark = pytest.mark.anyio

SECRET = "eXaMpLe-Secret-0123456789"
NAME = "service.example.com"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def answer(status: str, body: bytes = b"{}", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


@attrs.define
class Service:
    """A service on a socket of this machine, and what reached it."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = attrs.field(factory=list)
    names: list[str | None] = attrs.field(factory=list)
    """The server names that TLS was asked for."""


@asynccontextmanager
async def serving(
    *answers: bytes, tls: ssl.SSLContext | None = None, silent: bool = False
) -> AsyncIterator[Service]:
    """Serve these answers, one a request, the last one for ever; an empty one ends a connection."""
    service, left = Service(), list(answers or (OK,))

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service.connections += 1
        try:
            while True:
                service.requests.append(await reader.readuntil(b"\r\n\r\n"))
                if silent:
                    continue
                sent = left.pop(0) if len(left) > 1 else left[0]
                if not sent:
                    break
                writer.write(sent)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    if tls is not None:
        tls.sni_callback = lambda _, name, __: service.names.append(name)
    server = await asyncio.start_server(respond, "127.0.0.1", 0, ssl=tls)
    service.port = server.sockets[0].getsockname()[1]
    async with server:
        yield service


@attrs.define
class Names:
    """A resolver, and what it was asked."""

    addresses: list[list[str]]
    """What it answers, one after the other, the last one for ever."""
    asked: list[str] = attrs.field(factory=list)

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]


@asynccontextmanager
async def calling(
    names: Names | None = None, *, private_allowed: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Outside]:
    found = names.resolve if names else outside.resolve
    client = Outside(private_allowed=private_allowed, tls=tls, resolve=found)
    try:
        yield client
    finally:
        await client.close()


async def test_a_name_keeps_its_host_header_and_its_certificate_while_an_address_is_connected_to(
    tmp_path: Path,
) -> None:
    authority, names = Authority(tmp_path), Names([["127.0.0.1"]])
    async with (
        serving(tls=authority.server(NAME)) as service,
        calling(names, tls=authority.trusted()) as client,
    ):
        url = f"https://{NAME}:{service.port}/x"
        assert await client.ask("GET", url, dict[str, Any]) == {}
    assert names.asked == [NAME]
    assert service.names == [NAME]
    assert f"host: {NAME}:{service.port}".encode() in service.requests[0].lower()


async def test_the_certificate_of_another_name_is_not_accepted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        serving(tls=authority.server("other.example.com")) as service,
        calling(Names([["127.0.0.1"]]), tls=authority.trusted()) as client,
    ):
        with pytest.raises(Unreachable):
            await client.send("GET", f"https://{NAME}:{service.port}/")
    assert service.requests == []


async def test_a_name_is_resolved_once_for_a_connection_however_often_it_changes() -> None:
    names = Names([["127.0.0.1"], ["192.0.2.1"]])
    async with serving() as service, calling(names) as client:
        for _ in range(3):
            assert await client.send("GET", f"http://{NAME}:{service.port}/") == (200, b"{}")
    assert len(names.asked) == service.connections == 1


async def test_a_name_with_an_address_of_a_private_network_is_not_connected_to() -> None:
    private = [["127.0.0.1"], ["::ffff:127.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["fe80::1%1"]]
    async with serving() as service:
        for addresses in private:
            async with calling(Names([addresses]), private_allowed=False) as client:
                with pytest.raises(Unreachable):
                    await client.send("GET", f"http://{NAME}:{service.port}/")
    assert service.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.1."),
        *("localhost", "LOCALHOST", "0", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    ],
)
async def test_a_private_address_is_not_connected_to_in_any_spelling_unless_it_is_allowed(
    host: str,
) -> None:
    async with serving() as service:
        url = f"http://{host}:{service.port}/"
        async with calling(private_allowed=False) as client:
            with pytest.raises(Unreachable):
                await client.send("GET", url)
        assert service.connections == 0
        async with calling(private_allowed=True) as client:
            if host not in ("0177.0.0.1", "127.0.0.1."):  # which nothing connects to
                assert await client.send("GET", url) == (200, b"{}")


async def test_of_the_addresses_of_a_name_the_first_that_may_be_called_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_private_but_own(address: Any) -> bool:
        return address != ip_address("127.0.0.2") and is_private(address)

    monkeypatch.setattr(outside, "is_private", is_private_but_own)
    names = Names([["127.0.0.1", "10.0.0.1", "127.0.0.2"]])
    async with serving() as service, calling(names, private_allowed=False) as client:
        with pytest.raises(Unreachable):  # nobody listens at 127.0.0.2
            await client.send("GET", f"http://{NAME}:{service.port}/")
    assert service.connections == 0
    names = Names([["127.0.0.2", "127.0.0.1"]])
    async with serving() as service, calling(names) as client:
        assert (await client.send("GET", f"http://{NAME}:{service.port}/"))[0] == 200
    assert service.connections == 1


async def test_a_redirect_is_not_followed() -> None:
    async with serving() as elsewhere:
        away = answer("302 Found", b"", f"location: http://127.0.0.1:{elsewhere.port}/")
        async with serving(away) as service, calling() as client:
            url = f"http://127.0.0.1:{service.port}/"
            assert await client.send("GET", url) == (302, b"")
            with pytest.raises(NotUnderstood):
                await client.ask("GET", url, dict[str, Any])
    assert elsewhere.connections == 0


async def test_no_cookie_is_kept() -> None:
    async with serving(answer("200 OK", b"{}", "set-cookie: a=b")) as service, calling() as client:
        for _ in range(2):
            await client.send("GET", f"http://127.0.0.1:{service.port}/")
    assert b"cookie" not in service.requests[1].lower()


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving() as service, calling() as client:
        assert (await client.send("GET", f"http://127.0.0.1:{service.port}/"))[0] == 200


async def test_what_changes_nothing_is_sent_again_if_a_kept_connection_was_closed() -> None:
    async with serving(OK, b"", OK) as service, calling() as client:
        for _ in range(2):
            assert (await client.send("GET", f"http://127.0.0.1:{service.port}/"))[0] == 200
    assert (len(service.requests), service.connections) == (3, 2)


async def test_what_may_change_something_is_sent_once() -> None:
    async with serving(OK, b"", OK) as service, calling() as client:
        url = f"http://127.0.0.1:{service.port}/"
        await client.send("POST", url)
        with pytest.raises(NotUnderstood):
            await client.send("POST", url)
    assert len(service.requests) == 2


async def test_nothing_is_sent_again_if_a_new_connection_is_closed() -> None:
    async with serving(b"") as service, calling() as client:
        with pytest.raises(NotUnderstood):
            await client.send("GET", f"http://127.0.0.1:{service.port}/")
    assert len(service.requests) == 1


FAILURES: dict[str, tuple[bytes, type[OutsideError]]] = {
    "401": (answer("401 Unauthorized", SECRET.encode()), CredentialRefused),
    "403": (answer("403 Forbidden", SECRET.encode()), CredentialRefused),
    "400": (answer("400 Bad Request", SECRET.encode()), NotUnderstood),
    "404": (answer("404 Not Found", SECRET.encode()), NotUnderstood),
    "429": (answer("429 Too Many Requests"), RateLimited),
    "500": (answer("500 Internal Server Error"), Unreachable),
    "no JSON": (answer("200 OK", f"<html>{SECRET}".encode()), NotUnderstood),
    "another form": (answer("200 OK", b"[1]"), NotUnderstood),
    "nested": (answer("200 OK", b'{"a":' * 100_000), NotUnderstood),
    "long": (answer("200 OK", b'"' + b"x" * (1 << 20) + b'"'), NotUnderstood),
    "compressed": (answer("200 OK", b"\x1f\x8b", "content-encoding: gzip"), NotUnderstood),
    "no HTTP": (SECRET.encode() + b"\r\n\r\n", NotUnderstood),
    "cut off": (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{", Unreachable),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_a_failure_is_one_of_three_and_repeats_nothing_of_the_service(case: str) -> None:
    sent, kind = FAILURES[case]
    async with serving(sent) as service, calling() as client:
        url = f"http://127.0.0.1:{service.port}/"
        # What is cut off waits for the rest, which does not come.
        limit = 0.2 if case == "cut off" else outside.TIMEOUT
        with pytest.raises(OutsideError) as failed:
            await client.ask("GET", url, dict[str, int], timeout=limit)
    assert type(failed.value) is kind, case
    assert SECRET not in str(failed.value)
    assert str(failed.value) == kind.text


async def nobody(_: str, __: int) -> list[str]:
    raise OSError


async def never(_: str, __: int) -> list[str]:
    await asyncio.Event().wait()
    return []


@pytest.mark.parametrize("resolve", [nobody, never])
async def test_a_name_that_is_not_found_in_time_is_unreachable(
    resolve: Callable[[str, int], Awaitable[list[str]]],
) -> None:
    client = Outside(private_allowed=True, resolve=resolve)
    with pytest.raises(Unreachable):
        await client.send("GET", f"http://{NAME}/", timeout=0.05)
    await client.close()


async def test_a_service_that_accepts_and_says_nothing_is_unreachable_within_the_time() -> None:
    async with serving(silent=True) as service, calling() as client:
        with pytest.raises(Unreachable):
            await client.send("GET", f"http://127.0.0.1:{service.port}/", timeout=1)
    assert len(service.requests) == 1


async def test_nobody_listening_is_unreachable() -> None:
    async with serving() as service:
        pass
    async with calling() as client:
        with pytest.raises(Unreachable):
            await client.send("GET", f"http://127.0.0.1:{service.port}/")


def test_an_ip_address_is_recognized_as_the_system_does() -> None:
    assert address_in("127.1") == address_in("0x7f.1") == ip_address("127.0.0.1")
