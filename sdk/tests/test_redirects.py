"""Redirects: which are followed, and what does not go along."""

from __future__ import annotations

import pytest

from agentserver import Client, RedirectRefused

SESSION = ("sessionCookie",)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_read_follows_a_redirect_with_its_credential_on_the_same_origin(
    status, server, answer, call
) -> None:
    server.will(answer(status, headers={"Location": "/new?x=1"}), answer(body=b"7"))
    with Client(server.url, session="s-1") as client:
        assert client._call(call(security=SESSION)) == 7
    assert server.requests[1].path == "/new?x=1"
    assert server.requests[1].headers["cookie"] == "agentserver-token=s-1"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://other.example/x",
        "http://agents.example/x",
        "https://agents.example:8443/x",
        "//other.example/x",
    ],
)
@pytest.mark.parametrize("credentials", [{"session": "s-1"}, {"token": "t-1"}])
def test_a_credential_is_dropped_on_a_redirect_to_another_origin(
    elsewhere, credentials, flow, call, reply
) -> None:
    security = SESSION if "session" in credentials else ("bearerToken",)
    run = flow.run(call(security=security), reply(302, location=elsewhere), reply(), **credentials)
    first, second = run.sent
    assert first.cookie or first.bearer
    assert second.url.reveal().endswith("/x")
    assert second.cookie is None
    assert second.bearer is None


def test_a_credential_comes_back_with_the_way_back(flow, call, reply) -> None:
    run = flow.run(
        call(security=SESSION),
        reply(302, location="https://other.example/x"),
        reply(302, location="https://agents.example/y"),
        reply(),
        session="s-1",
    )
    assert [sent.cookie is not None for sent in run.sent] == [True, False, True]


def test_a_401_from_another_origin_does_not_log_in_again(flow, call, reply) -> None:
    client = flow.client(email="a@example.org", password="word word")
    client._shared.credentials.session = client._shared.credentials.given.password
    run = flow.run(
        call(security=SESSION),
        reply(302, location="https://other.example/x"),
        reply(401),
        client=client,
    )
    assert run.error.status_code == 401


def test_a_session_offered_by_another_origin_is_not_taken(flow, call, reply) -> None:
    planted = reply()
    from agentserver._secret import Secret

    planted.set_cookies = (Secret("agentserver-token=planted"),)
    client = flow.client(session="mine")
    flow.run(call(), reply(302, location="https://other.example/x"), planted, client=client)
    assert client._shared.credentials.session == Secret("mine")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [307, 308])
def test_a_write_follows_only_what_keeps_it_a_write(method, status, server, answer, call) -> None:
    server.will(answer(status, headers={"Location": "/new"}), answer())
    with Client(server.url, session="s-1") as client:
        client._call(call(method, security=SESSION, body={"a": 1}))
    assert [(r.method, r.path, r.body) for r in server.requests][1] == (method, "/new", b'{"a":1}')


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("status", "location"),
    [
        (301, "/new"),
        (302, "/new"),
        (303, "/new"),
        (307, "https://other.example/new"),
        (308, "http://agents.example/new"),
    ],
)
def test_a_write_is_not_sent_anywhere_else(method, status, location, flow, call, reply) -> None:
    run = flow.run(call(method), reply(status, location=location))
    assert isinstance(run.error, RedirectRefused)
    assert run.error.status_code == status


@pytest.mark.parametrize(
    "location",
    [
        "ftp://agents.example/x",
        "https://user:pw@agents.example/",
        "https://[::1",
        "",
        "http://a\\@b",
    ],
)
def test_a_redirect_to_no_place_is_refused(location, flow, call, reply) -> None:
    assert isinstance(flow.run(call(), reply(302, location=location)).error, RedirectRefused)


def test_redirects_end_after_five(flow, call, reply) -> None:
    run = flow.run(call(), *[reply(302, location="/again")] * 6)
    assert isinstance(run.error, RedirectRefused)
    assert len(run.sent) == 6


@pytest.mark.parametrize(
    ("base", "location"),
    [
        ("https://bücher.example", "https://xn--bcher-kva.example/x"),
        ("https://xn--bcher-kva.example", "https://bücher.example/x"),
        ("https://BÜCHER.example", "https://Bücher.example/x"),
        ("https://bücher.example:8443", "https://xn--bcher-kva.example:8443/x"),
        ("https://agents.example", "https://AGENTS.example:443/x"),
    ],
)
def test_a_host_is_the_same_in_unicode_and_in_punycode(base, location, flow, call, reply) -> None:
    client = flow.client(base, session="s-1")
    raw = location.encode().decode("latin-1")
    run = flow.run(call(security=SESSION), reply(302, location=raw), reply(), client=client)
    assert [sent.cookie is not None for sent in run.sent] == [True, True]
    assert all(sent.url.reveal().isascii() for sent in run.sent)


def test_a_host_that_only_looks_alike_is_another(flow, call, reply) -> None:
    client = flow.client("https://faß.example", session="s-1")
    run = flow.run(
        call(security=SESSION),
        reply(302, location="https://fass.example/x"),
        reply(),
        client=client,
    )
    assert [sent.cookie is not None for sent in run.sent] == [True, False]
