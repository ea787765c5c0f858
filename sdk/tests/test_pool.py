"""Connections: made late, kept, shared, and never across a process or an event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import ssl
import threading
from typing import Any

import httpx
import pytest
from certificates import self_signed

from agentserver import (
    AsyncClient,
    Client,
    ClientClosed,
    ConfigurationError,
    ConnectionFailed,
)


def connections(server: Any) -> set[tuple[str, int]]:
    return {request.connection for request in server.requests}


def test_a_client_opens_nothing_before_its_first_call() -> None:
    client = Client("http://127.0.0.1:1", session="s")
    assert client._shared.pools == {}
    client.close()


def test_calls_share_a_connection_and_so_do_clients_with_other_options(
    server, answer, call
) -> None:
    server.will(*[answer()] * 3)
    with Client(server.url) as client:
        client._call(call())
        client.with_options(timeout=3.0, strict=True)._call(call())
        client._call(call())
    assert len(connections(server)) == 1


def test_options_change_for_the_copy_alone(flow) -> None:
    client = flow.client()
    other = client.with_options(
        timeout=1.0, deadline=2.0, max_retries=3, retry="always", strict=True
    )
    assert (client._options.max_retries, client._options.strict) == (4, False)
    assert (other._options.timeout.read, other._options.deadline) == (1.0, 2.0)
    assert (other._options.max_retries, other._options.retry) == (3, "always")
    assert type(other) is Client
    assert other._shared is client._shared


def test_threads_that_start_together_share_one_pool(server, answer, call) -> None:
    server.by_path = {"/api/things": answer()}
    together = threading.Barrier(8)
    with Client(server.url) as client:

        def work() -> None:
            together.wait()
            client._call(call())

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        [pool] = client._shared.pools.values()
        assert len(pool()._connections._by_way) == 1
    assert len(server.requests) == 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_opens_connections_of_its_own(server, answer, call) -> None:
    server.by_path = {"/api/things": answer()}
    with Client(server.url) as client:
        client._call(call())
        child = os.fork()
        if child == 0:
            code = 1
            try:
                client._call(call())
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        client._call(call())
    first, in_child, again = [request.connection for request in server.requests]
    assert in_child != first, "the child used its parent's connection"
    assert again == first, "the parent lost its connection"


# The first loop is closed with a connection open, which is what this is about.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_client_serves_one_event_loop_after_another(server, answer, call) -> None:
    server.by_path = {"/api/things": answer()}
    client = AsyncClient(server.url)

    async def twice() -> None:
        await client._call(call())
        await client._call(call())

    async def last() -> None:
        await twice()
        await client.aclose()

    asyncio.run(twice())
    asyncio.run(last())
    assert len(connections(server)) == 2
    assert len(client._shared.pools) == 1, "the pool of the ended loop is still there"
    gc.collect()  # so that the warning about the first connection comes here


def test_a_closed_client_says_so(server, answer, call) -> None:
    server.will(answer())
    with Client(server.url) as client:
        other = client.with_options(strict=True)
        client._call(call())
    for closed in (client, other):
        with pytest.raises(ClientClosed):
            closed._call(call())
    with pytest.raises(ClientClosed), client:
        raise AssertionError("a closed client was entered")
    client.close()


def test_a_closed_async_client_says_so(call) -> None:
    async def use() -> None:
        client = AsyncClient("http://127.0.0.1:1")
        await client.aclose()
        await client.aclose()
        with pytest.raises(ClientClosed):
            await client._call(call())
        with pytest.raises(ClientClosed):
            await client.__aenter__()

    asyncio.run(use())


def test_a_transport_of_the_callers_sends_and_is_closed(call) -> None:
    class Own(httpx.MockTransport):
        closed = False

        def close(self) -> None:
            self.closed = True

    transport = Own(lambda request: httpx.Response(200, json={"url": str(request.url)}))
    with Client("https://agents.example", transport=transport) as client:
        assert client._call(call()) == {"url": "https://agents.example/api/things"}
    assert transport.closed


def test_an_async_transport_of_the_callers_sends(call) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=1))

    async def use() -> Any:
        async with AsyncClient("https://agents.example", transport=transport) as client:
            return await client._call(call())

    assert asyncio.run(use()) == 1


def test_what_makes_a_transport_gets_the_proxy_and_the_certificates(call) -> None:
    made: list[dict[str, Any]] = []

    def make(**settings: Any) -> httpx.MockTransport:
        made.append(settings)
        return httpx.MockTransport(lambda request: httpx.Response(200, json=1))

    own = ssl.create_default_context()
    settings = {"proxy": "http://proxy.example:3128", "verify": own}
    with Client("https://agents.example", transport=make, **settings) as client:
        assert client._call(call()) == 1
    [given] = made
    assert given.keys() == {"proxy", "verify", "limits"}
    assert (given["proxy"], given["verify"]) == (settings["proxy"], own)


def test_a_class_of_httpx_can_be_given_with_a_proxy(server, answer, call) -> None:
    server.will(answer(body=b"1"))
    with Client("http://agents.example", transport=httpx.HTTPTransport, proxy=server.url) as client:
        assert client._call(call()) == 1


def test_a_client_of_httpx_sends_with_its_own_proxy_and_hooks(server, answer, call) -> None:
    seen: list[str] = []
    hooks = {"request": [lambda request: seen.append(request.url.path)]}
    own = httpx.Client(proxy=server.url, event_hooks=hooks, cookies={"own": "cookie"})
    server.will(answer(302, headers={"Location": "/elsewhere"}), answer(body=b"1"))
    settings = {"http_client": own, "session": "s", "allow_insecure_http": True}
    with Client("http://agents.example", **settings) as client:
        assert client._call(call(security=("sessionCookie",))) == 1
    assert [request.path for request in server.requests] == [
        "http://agents.example/api/things",
        "http://agents.example/elsewhere",
    ]
    assert server.requests[0].headers["cookie"] == "agentserver-token=s"
    assert seen == ["/api/things", "/elsewhere"]
    assert own.is_closed


def test_an_async_client_of_httpx_sends(call) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=1))

    async def use() -> Any:
        own = httpx.AsyncClient(transport=transport)
        async with AsyncClient("https://agents.example", http_client=own) as client:
            result = await client._call(call())
        assert own.is_closed
        return result

    assert asyncio.run(use()) == 1


def test_a_client_of_httpx_that_is_closed_says_so(call) -> None:
    own = httpx.Client()
    own.close()
    with (
        Client("https://agents.example", http_client=own) as client,
        pytest.raises(ClientClosed, match="http_client"),
    ):
        client._call(call())


def test_what_a_transport_of_the_callers_raises_beside_errors_of_http_is_seen(call) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise AssertionError("a request that the test did not expect")

    with (
        Client("https://agents.example", transport=httpx.MockTransport(fail)) as client,
        pytest.raises(AssertionError, match="did not expect"),
    ):
        client._call(call())


OWN = httpx.MockTransport(lambda request: httpx.Response(200))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"transport": OWN, "verify": False}, "give what makes it"),
        ({"transport": OWN, "proxy": "http://proxy.example"}, "give what makes it"),
        ({"transport": OWN, "http_client": httpx.Client()}, "not both"),
        ({"http_client": httpx.Client(), "verify": False}, "give proxy and verify to it"),
        ({"http_client": httpx.AsyncClient()}, "close()"),
        ({"http_client": 7}, "send()"),
        ({"transport": 7}, "handle_request()"),
    ],
)
def test_settings_that_would_be_ignored_are_refused(settings, words) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client("https://agents.example", **settings)
    assert words in str(caught.value)


# --- proxies --------------------------------------------------------------------------------------


def test_a_proxy_is_used(server, answer, call) -> None:
    server.will(answer())
    with Client("http://agents.example", proxy=server.url) as client:
        client._call(call())
    assert server.requests[0].path == "http://agents.example/api/things"


def test_the_proxy_of_the_environment_is_used(server, answer, call, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.will(answer())
    with Client("http://agents.example") as client:
        client._call(call())
    assert server.requests[0].path == "http://agents.example/api/things"


def test_the_proxy_of_the_environment_is_not_asked_for_this_machine(
    server, answer, call, monkeypatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    server.will(answer())
    with Client(server.url) as client:
        client._call(call())
    assert server.requests[0].path == "/api/things"


# --- TLS ------------------------------------------------------------------------------------------


def test_a_certificate_must_be_trusted_and_an_own_authority_can_be_given(
    server, answer, call, tmp_path
) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    url = server.url.replace("http:", "https:")

    with Client(url, session="s") as client, pytest.raises(ConnectionFailed) as caught:
        client._call(call("POST", security=("sessionCookie",)))
    assert "cannot connect securely: self" in caught.value.message
    assert caught.value.attempts == 1
    assert server.requests == []

    own = ssl.create_default_context(cafile=certificate)
    for verify in (certificate, str(certificate), own, False):
        server.will(answer())
        with Client(url, verify=verify) as client:
            client._call(call())
    assert len(server.requests) == 4


def test_certificates_that_are_not_there_are_named(call) -> None:
    with (
        Client("https://127.0.0.1:1", verify="/no/such/file.pem") as client,
        pytest.raises(ConfigurationError, match=r"verify: .*/no/such/file.pem: No such file"),
    ):
        client._call(call())
