"""Which credential goes with a call, where it comes from, and where it never goes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from agentserver import (
    AsyncClient,
    Client,
    ConfigurationError,
    InsecureConnection,
    MissingCredential,
    PermissionDenied,
    Unauthenticated,
)
from agentserver._secret import Secret
from agentserver._transport import LogIn

SESSION, BEARER = ("sessionCookie",), ("bearerToken",)
OWN = {"email": "me@example.org", "password": "my password"}


def cookie(value: str, attributes: str = "; Path=/; HttpOnly; Secure") -> dict[str, str]:
    return {"Set-Cookie": f"agentserver-token={value}{attributes}"}


def cookies_sent(server: Any) -> list[str | None]:
    return [request.headers.get("cookie") for request in server.requests]


def test_a_session_goes_to_cookie_operations_and_a_token_to_bearer_ones(
    server, answer, call
) -> None:
    server.will(*[answer()] * 3)
    with Client(server.url, session="s-1", token="t-1") as client:
        for security in (SESSION, BEARER, ()):
            client._call(call(security=security))
    sent = [(r.headers.get("cookie"), r.headers.get("authorization")) for r in server.requests]
    assert sent == [("agentserver-token=s-1", None), (None, "Bearer t-1"), (None, None)]


@pytest.mark.parametrize("security", [(*SESSION, *BEARER), (*BEARER, *SESSION)])
def test_an_operation_with_a_choice_takes_the_credential_there_is(
    security, flow, call, reply
) -> None:
    [sent] = flow.run(call(security=security), reply(), token="t-1").sent
    assert (sent.cookie, sent.bearer) == (None, Secret("t-1"))


@pytest.mark.parametrize(
    ("security", "given", "names"),
    [
        (SESSION, {}, "session="),
        (SESSION, {"token": "t"}, "session="),
        (BEARER, {"session": "s"}, "token="),
        (BEARER, OWN, "token="),
    ],
)
def test_a_kind_of_credential_that_is_missing_raises_before_sending(
    security, given, names, flow, call
) -> None:
    run = flow.run(call(security=security), **given)
    assert isinstance(run.error, MissingCredential)
    assert names in str(run.error)
    assert not run.sent


def test_email_and_password_log_in_on_first_need_and_not_before(server, answer, call) -> None:
    server.will(answer(), answer(headers=cookie("fresh")), answer(), answer())
    with Client(server.url, **OWN) as client:
        client._call(call())
        client._call(call(security=SESSION))
        client._call(call(security=SESSION))
    assert [r.path for r in server.requests] == [
        "/api/things",
        "/api/auth/login",
        "/api/things",
        "/api/things",
    ]
    assert b"my password" in server.requests[1].body
    assert cookies_sent(server) == [None, None, *["agentserver-token=fresh"] * 2]


def test_a_session_that_ended_is_renewed_once(server, answer, call) -> None:
    gone = answer(401, b"unauthorized\n", type="text/plain")
    server.will(answer(headers=cookie("one")), answer())
    server.will(gone, answer(headers=cookie("two")), answer())
    with Client(server.url, **OWN) as client:
        client._call(call(security=SESSION))
        client._call(call("POST", security=SESSION, body={"a": 1}))
    assert cookies_sent(server) == [
        None,
        "agentserver-token=one",
        "agentserver-token=one",
        None,
        "agentserver-token=two",
    ]
    assert server.requests[-1].body == b'{"a":1}'


def test_a_second_401_in_the_same_call_is_raised(server, answer, call) -> None:
    gone = answer(401, b"unauthorized\n", type="text/plain")
    server.will(answer(headers=cookie("one")), gone, answer(headers=cookie("two")), gone)
    with Client(server.url, **OWN) as client, pytest.raises(Unauthenticated) as caught:
        client._call(call(security=SESSION))
    assert caught.value.attempts == 2
    assert len(server.requests) == 4


@pytest.mark.parametrize("credentials", [{"session": "s"}, {"token": "t"}])
def test_what_cannot_be_renewed_is_not(credentials, flow, call, reply) -> None:
    security = SESSION if "session" in credentials else BEARER
    run = flow.run(call(security=security), reply(401), **credentials)
    assert isinstance(run.error, Unauthenticated)


def test_a_login_that_fails_is_the_error_of_the_call(server, answer, call) -> None:
    server.will(answer(401, b"invalid credentials\n", type="text/plain"))
    with Client(server.url, **OWN) as client, pytest.raises(Unauthenticated) as caught:
        client._call(call(security=SESSION))
    assert caught.value.operation_id == "login"
    assert caught.value.message == "invalid credentials"


def test_many_threads_in_need_of_a_session_log_in_once(server, answer, call) -> None:
    server.by_path = {
        "/api/auth/login": answer(headers=cookie("one")),
        "/api/things": answer(),
    }
    errors: list[Exception] = []
    together = threading.Barrier(8)

    with Client(server.url, **OWN) as client:

        def work() -> None:
            together.wait()
            try:
                client._call(call(security=SESSION))
            except Exception as error:  # the test looks at it
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert [r.path for r in server.requests].count("/api/auth/login") == 1
    assert len(server.requests) == 9


def test_many_tasks_in_need_of_a_session_log_in_once(server, answer, call) -> None:
    server.by_path = {
        "/api/auth/login": answer(headers=cookie("one")),
        "/api/things": answer(),
    }

    async def work() -> None:
        async with AsyncClient(server.url, **OWN) as client:
            await asyncio.gather(*[client._call(call(security=SESSION)) for _ in range(8)])

    asyncio.run(work())
    assert [r.path for r in server.requests].count("/api/auth/login") == 1
    assert len(server.requests) == 9


def test_who_waits_for_another_login_waits_no_longer_than_its_deadline(flow, call) -> None:
    client = flow.client(**OWN, deadline=5.0)
    with client._pool().login_lock:
        flow.time += 5.0  # so that there is nothing left to wait
        assert client._session(LogIn(None, 1005.0)) is None


def test_a_login_by_hand_is_used_and_a_logout_forgets_it(server, answer, call) -> None:
    server.will(
        answer(headers=cookie("by-hand")), answer(), answer(headers=cookie("", "; Max-Age=0"))
    )
    with Client(server.url) as client:
        client._call(call("POST", id="login", body={"email": "a", "password": Secret("bbbb")}))
        client._call(call(security=SESSION))
        client._call(call("POST", id="logout", security=SESSION, optional=True))
        with pytest.raises(MissingCredential):
            client._call(call(security=SESSION))
    assert cookies_sent(server) == [None, *["agentserver-token=by-hand"] * 2]


def test_a_session_of_somebody_else_is_not_renewed_as_ones_own(server, answer, call) -> None:
    gone = answer(401, b"unauthorized\n", type="text/plain")
    server.will(answer(headers=cookie("other")), gone)
    other = {"email": "other@example.org", "password": Secret("other password")}
    with Client(server.url, **OWN) as client:
        client._call(call("POST", id="login", body=other))
        with pytest.raises(Unauthenticated):
            client._call(call(security=SESSION))
    assert len(server.requests) == 2


def test_ones_own_session_opened_by_hand_is_renewed(server, answer, call) -> None:
    gone = answer(401, b"unauthorized\n", type="text/plain")
    server.will(answer(headers=cookie("one")), gone, answer(headers=cookie("two")), answer())
    own = {"email": OWN["email"], "password": Secret(OWN["password"])}
    with Client(server.url, **OWN) as client:
        client._call(call("POST", id="login", body=own))
        client._call(call(security=SESSION))
    assert cookies_sent(server)[-1] == "agentserver-token=two"


def test_an_optional_credential_is_sent_if_there_is_one_and_never_fetched(
    server, answer, call
) -> None:
    server.will(answer(), answer())
    with Client(server.url, **OWN) as client:
        client._call(call(security=SESSION, optional=True))
    with Client(server.url, session="s-1") as client:
        client._call(call(security=SESSION, optional=True))
    assert cookies_sent(server) == [None, "agentserver-token=s-1"]


def test_a_cookie_in_an_error_changes_nothing(server, answer, call) -> None:
    server.will(answer(403, b"no\n", headers=cookie("planted"), type="text/plain"), answer())
    with Client(server.url, session="mine") as client:
        with pytest.raises(PermissionDenied):
            client._call(call(security=SESSION))
        client._call(call(security=SESSION))
    assert cookies_sent(server) == ["agentserver-token=mine"] * 2


# --- the environment ------------------------------------------------------------------------------


@pytest.fixture
def environment(monkeypatch) -> Callable[..., None]:
    """Sets variables."""

    def put(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return put


def test_the_environment_gives_url_and_credentials(environment, server, answer, call) -> None:
    environment(
        AGENTSERVER_URL=server.url,
        AGENTSERVER_TOKEN="env-token",
        AGENTSERVER_EMAIL="e@example.org",
        AGENTSERVER_PASSWORD="env-password",
    )
    server.will(answer(), answer(headers=cookie("s")), answer())
    with Client() as client:
        client._call(call(security=BEARER))
        client._call(call(security=SESSION))
    assert server.requests[0].headers["authorization"] == "Bearer env-token"
    assert b"env-password" in server.requests[1].body


def test_what_is_given_in_code_beats_the_environment(environment, server, answer, call) -> None:
    environment(AGENTSERVER_URL=server.url, AGENTSERVER_TOKEN="env-token")
    server.will(answer())
    with Client(token="code-token") as client:
        client._call(call(security=BEARER))
    assert server.requests[0].headers["authorization"] == "Bearer code-token"


@pytest.mark.parametrize("security", [SESSION, BEARER])
def test_a_credential_of_the_environment_never_travels_to_a_url_given_in_code(
    security, environment, server, call
) -> None:
    environment(
        AGENTSERVER_URL="https://elsewhere.example",
        AGENTSERVER_TOKEN="env-token",
        AGENTSERVER_EMAIL="e@example.org",
        AGENTSERVER_PASSWORD="env-password",
    )
    with Client(server.url) as client, pytest.raises(MissingCredential) as caught:
        client._call(call(security=security))
    assert "environment" in str(caught.value), "the error should tell why it was left alone"
    assert server.requests == []


def test_a_session_given_in_code_is_not_mixed_with_the_login_of_the_environment(
    environment, server, answer, call
) -> None:
    environment(
        AGENTSERVER_URL=server.url,
        AGENTSERVER_EMAIL="e@example.org",
        AGENTSERVER_PASSWORD="env-password",
    )
    server.will(answer(401, b"unauthorized\n", type="text/plain"))
    with Client(session="ended") as client, pytest.raises(Unauthenticated):
        client._call(call(security=SESSION))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"email": "a@example.org"},
        {"password": "only this"},
        {"token": ""},
        {"session": ""},
        {"token": "line\r\nbreak"},
        {"session": "semi;colon"},
        {"session": "clé"},
        {"token": 7},
    ],
)
def test_a_credential_that_cannot_be_used_is_refused_without_being_shown(given) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client("https://agents.example", **given)
    [(name, value)] = given.items()
    assert "password" in str(caught.value) or name in str(caught.value)
    assert not value or str(value) not in str(caught.value)


# --- the way there --------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"session": "s"}, {"token": "t"}, OWN])
def test_credentials_refuse_plain_http_to_another_machine(given, flow, call) -> None:
    security = BEARER if "token" in given else SESSION
    client = flow.client("http://agents.example", **given)
    run = flow.run(call(security=security), client=client)
    assert isinstance(run.error, InsecureConnection)
    assert not run.sent


def test_a_password_in_a_body_refuses_plain_http_too(flow, call) -> None:
    client = flow.client("http://agents.example")
    body = {"email": "a@example.org", "password": Secret("secret word")}
    assert isinstance(flow.run(call("POST", body=body), client=client).error, InsecureConnection)


def test_plain_http_is_open_to_calls_without_a_credential(flow, call, reply) -> None:
    client = flow.client("http://agents.example", session="s")
    assert flow.run(call(), reply(), client=client).result == "fine"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://127.8.9.1", "http://[::1]:8080", "http://LOCALHOST"]
)
def test_plain_http_to_this_machine_is_allowed(url, flow, call, reply) -> None:
    client = flow.client(url, session="s")
    assert flow.run(call(security=SESSION), reply(), client=client).error is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.nip.example", "http://localhost.example", "http://10.0.0.1"]
)
def test_what_only_looks_like_this_machine_is_another(url, flow, call) -> None:
    client = flow.client(url, session="s")
    run = flow.run(call(security=SESSION), client=client)
    assert isinstance(run.error, InsecureConnection)


def test_plain_http_can_be_allowed(flow, call, reply) -> None:
    client = flow.client("http://agents.example", session="s", allow_insecure_http=True)
    assert flow.run(call(security=SESSION), reply(), client=client).error is None
