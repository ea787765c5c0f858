"""The session cookie is taken and forgotten as its attributes say."""

from __future__ import annotations

from typing import Any

import pytest

from agentserver import MissingCredential
from agentserver._cookies import session_cookies
from agentserver._secret import Secret
from agentserver._transport import Reply

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
SESSION = ("sessionCookie",)
BASE = "https://agents.example"


def read(*headers: str) -> list[tuple[str, float | None, bool]]:
    cookies = session_cookies(tuple(map(Secret, headers)), NOW)
    return [(each.value.reveal(), each.lifetime, each.ends_session) for each in cookies]


@pytest.mark.parametrize(
    ("header", "value", "lifetime", "ends"),
    [
        ("agentserver-token=abc", "abc", None, False),
        ("  agentserver-token = abc ; Path=/", "abc", None, False),
        ('agentserver-token="abc"; HttpOnly', "abc", None, False),
        ("agentserver-token=a=b; Secure", "a=b", None, False),
        ("agentserver-token=", "", None, True),
        ("agentserver-token", "", None, True),
        ("agentserver-token=abc; Max-Age=0", "abc", 0.0, True),
        ("agentserver-token=abc; max-age = -1", "abc", -1.0, True),
        ("agentserver-token=deleted; MAX-AGE=0; Path=/", "deleted", 0.0, True),
        ("agentserver-token=abc; Max-Age=60", "abc", 60.0, False),
        ("agentserver-token=abc; Max-Age=soon", "abc", None, False),
        ("agentserver-token=abc; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "abc", -NOW, True),
        ("agentserver-token=abc; expires=Thu, 01-Jan-1970 00:00:00 GMT", "abc", -NOW, True),
        ("agentserver-token=abc; Expires=Fri, 15 Jan 2027 08:01:00 GMT", "abc", 60.0, False),
        ("agentserver-token=abc; Expires=Fri, 15-Jan-27 08:01:00 GMT", "abc", 60.0, False),
        ("agentserver-token=abc; Expires=yesterday", "abc", None, False),
        (
            "agentserver-token=abc; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60",
            "abc",
            60.0,
            False,
        ),
        ("agentserver-token=abc; Max-Age=60; Max-Age=0", "abc", 0.0, True),
    ],
)
def test_a_cookie_is_read_by_its_attributes(header, value, lifetime, ends) -> None:
    assert read(header) == [(value, lifetime, ends)]


@pytest.mark.parametrize(
    "header", ["agentserver-token2=abc", "other=agentserver-token=abc", "Agentserver-Token=abc", ""]
)
def test_other_cookies_are_not_the_session(header) -> None:
    assert read(header) == []


def answer(*cookies: str, body: bytes = b"1", **headers: str) -> Reply:
    shown = {"content-type": "application/json", **headers}
    return Reply(200, shown, tuple(map(Secret, cookies)), body)


def session_after(flow: Any, call: Any, *cookies: str, base: str = "https://agents.example") -> Any:
    client = flow.client(base, session="old")
    flow.run(call(), answer(*cookies), client=client)
    session = client._shared.credentials.session
    return session and session.reveal()


def test_the_last_cookie_of_an_answer_counts(flow, call) -> None:
    assert session_after(flow, call, "agentserver-token=a", "agentserver-token=b") == "b"
    assert (
        session_after(flow, call, "agentserver-token=a", "agentserver-token=b; Max-Age=0") is None
    )
    assert session_after(flow, call, "agentserver-token=x; Max-Age=0", "agentserver-token=c") == "c"


@pytest.mark.parametrize(
    ("attributes", "taken"),
    [
        ("Domain=agents.example", True),
        ("Domain=.example", True),
        ("Domain=other.example", False),
        ("Domain=s.example", False),
        ("Path=/", True),
        ("Path=/api", True),
        ("Path=/prefix/api/", True),
        ("Path=/prefix", True),
        ("Path=/elsewhere", False),
        ("Path=relative", True),
        ("Secure; HttpOnly; SameSite=Strict", True),
    ],
)
def test_a_cookie_for_another_server_is_not_taken(attributes, taken, flow, call) -> None:
    base = f"{BASE}/prefix" if "prefix" in attributes else BASE
    found = session_after(flow, call, f"agentserver-token=new; {attributes}", base=base)
    assert found == ("new" if taken else "old")


def test_a_session_lasts_no_longer_than_its_cookie(flow, call, reply) -> None:
    client = flow.client()
    flow.run(call(), answer("agentserver-token=new; Max-Age=60"), client=client)
    flow.time += 59.0
    assert flow.run(call(security=SESSION), reply(), client=client).result == "fine"
    flow.time += 1.0
    assert isinstance(flow.run(call(security=SESSION), client=client).error, MissingCredential)


def test_the_end_of_a_session_is_a_time_of_the_servers_clock(flow, call) -> None:
    client = flow.client()
    cookie = "agentserver-token=new; Expires=Thu, 01 Jan 1970 00:01:00 GMT"
    flow.run(call(), answer(cookie, date="Thu, 01 Jan 1970 00:00:30 GMT"), client=client)
    assert client._shared.credentials.session is not None
    flow.time += 30.0
    assert client._shared.credentials.session is None


def test_a_client_logs_in_again_when_its_session_has_run_out(flow, call) -> None:
    client = flow.client(email="a@example.org", password="word word")
    login = answer("agentserver-token=new; Max-Age=60", body=b'{"status": "ok"}')
    assert len(flow.run(call(security=SESSION), login, answer(), client=client).sent) == 2
    assert len(flow.run(call(security=SESSION), answer(), client=client).sent) == 1
    flow.time += 60.0
    assert len(flow.run(call(security=SESSION), login, answer(), client=client).sent) == 2


def test_a_cookie_goes_back_as_it_came(server, answer, call) -> None:
    from agentserver import Client

    value = "\xe9 'odd' ~!"
    server.will(answer(headers={"Set-Cookie": f"agentserver-token={value}"}), answer())
    with Client(server.url) as client:
        client._call(call())
        client._call(call(security=SESSION))
    assert server.requests[1].headers["cookie"] == f"agentserver-token={value}"
