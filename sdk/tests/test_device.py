"""Signing in from a machine without a browser: what is sent, how often, and how it can end."""

from __future__ import annotations

import asyncio
import json
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

import agentserver
from agentserver import (
    AsyncClient,
    AuthorizationDenied,
    AuthorizationExpired,
    AuthorizationFailed,
    Client,
    ConnectionFailed,
    InsecureConnection,
    MethodNotAllowed,
    OutcomeUnknown,
    ResponseValidationError,
    Secret,
)
from agentserver._device import AsyncDeviceFlow, DeviceCode, DeviceFlow, Pending, Tokens
from agentserver._transport import Runtime

START = {
    "device_code": "the-device-code",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://agents.example/oauth2/device",
    "verification_uri_complete": "https://agents.example/oauth2/device?user_code=WDJB-MJHT",
    "expires_in": 60,
    "interval": 5,
}
TOKENS = {
    "access_token": "the-access-token",
    "token_type": "bearer",
    "expires_in": 3600,
    "refresh_token": "the-refresh-token",
    "scope": "agent:register",
}
SDK = Path(agentserver.__file__).parent


def refusal(error: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": error})


class Provider:
    """A server with the answers of a script, and the time in which it is asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = [*answers]
        self.time = 0.0
        self.asked: list[tuple[float, str, dict[str, str]]] = []
        self.runtime = Runtime(
            clock=lambda: self.time, sleep=self._sleep, sleep_async=self._sleep_async
        )

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    async def _sleep_async(self, seconds: float) -> None:
        self.time += seconds

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert "authorization" not in request.headers
        form = {name: value for name, (value,) in parse_qs(request.content.decode()).items()}
        self.asked.append((self.time, request.url.path, form))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def times(self) -> list[float]:
        return [time for time, path, _ in self.asked if path.endswith("/token")]


def use(provider: Provider, asynchronous: bool, *steps: str) -> Any:
    """Start, and do the steps with what came before: the result of the last."""
    settings: Any = {
        "transport": httpx.MockTransport(provider.answer),
        "_runtime": provider.runtime,
        "max_retries": 0,
        "token": "not-to-be-sent",
    }

    async def run_async() -> Any:
        async with AsyncClient("https://agents.example", **settings) as client:
            flow = AsyncDeviceFlow(client)
            result: Any = await flow.start()
            for step in steps:
                result = await getattr(flow, step)(result)
            return result

    if asynchronous:
        return asyncio.run(run_async())
    with Client("https://agents.example", **settings) as client:
        flow = DeviceFlow(client)
        result: Any = flow.start()
        for step in steps:
            result = getattr(flow, step)(result)
        return result


started = httpx.Response(200, json=START)
approved = httpx.Response(200, json=TOKENS)
both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@both
def test_the_start_tells_the_link_and_the_code(asynchronous: bool) -> None:
    provider = Provider(started)
    code = use(provider, asynchronous)
    assert isinstance(code, DeviceCode)
    assert code.user_code == "WDJB-MJHT"
    assert code.verification_uri_complete == START["verification_uri_complete"]
    assert (code.expires_in, code.interval) == (60, 5)
    (_, path, form), *_ = provider.asked
    assert path == "/api/oauth2/device/auth"
    assert form == {
        "client_id": "agentserver-agent-cli",
        "scope": "openid profile agent:register",
    }


def test_what_a_server_leaves_out_has_the_value_of_the_rfc() -> None:
    less = {
        key: value
        for key, value in START.items()
        if key not in ("interval", "verification_uri_complete")
    }
    code = use(Provider(httpx.Response(200, json=less)), False)
    assert code.interval == 5
    assert code.verification_uri_complete == START["verification_uri"]


@both
def test_waiting_asks_at_the_interval_until_it_is_approved(asynchronous: bool) -> None:
    pending = refusal("authorization_pending")
    provider = Provider(started, pending, pending, approved)
    tokens = use(provider, asynchronous, "wait")
    assert isinstance(tokens, Tokens)
    assert tokens.access_token.reveal() == "the-access-token"
    assert tokens.refresh_token is not None
    assert tokens.refresh_token.reveal() == "the-refresh-token"
    assert (tokens.expires_in, tokens.scope) == (3600, "agent:register")
    assert provider.times == [5, 10, 15]
    assert provider.asked[-1][2] == {
        "client_id": "agentserver-agent-cli",
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "the-device-code",
    }


@both
def test_slow_down_adds_five_seconds_for_good(asynchronous: bool) -> None:
    provider = Provider(
        started,
        refusal("slow_down"),
        refusal("authorization_pending"),
        refusal("slow_down"),
        approved,
    )
    use(provider, asynchronous, "wait")
    assert provider.times == [5, 15, 25, 40]


@both
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("access_denied", AuthorizationDenied),
        ("expired_token", AuthorizationExpired),
        ("invalid_grant", AuthorizationFailed),
    ],
)
def test_the_ways_in_which_it_ends_are_told_apart(
    asynchronous: bool, error: str, kind: type[Exception]
) -> None:
    provider = Provider(started, refusal(error))
    with pytest.raises(kind) as raised:
        use(provider, asynchronous, "wait")
    assert type(raised.value) is kind


def test_one_question_is_answered_without_waiting() -> None:
    provider = Provider(started, refusal("slow_down"))
    assert use(provider, False, "poll") == Pending(10)
    assert provider.times == [0]


@both
def test_a_code_is_not_asked_about_after_it_has_expired(asynchronous: bool) -> None:
    provider = Provider(started, *[refusal("authorization_pending")] * 11)
    with pytest.raises(AuthorizationExpired):
        use(provider, asynchronous, "wait")
    assert max(provider.times) == 55


@both
def test_a_server_that_fails_for_a_while_is_asked_ever_less_often(asynchronous: bool) -> None:
    provider = Provider(started, httpx.ConnectError("gone"), httpx.Response(502), approved)
    assert isinstance(use(provider, asynchronous, "wait"), Tokens)
    assert provider.times == [5, 15, 35]


@both
def test_a_refresh_is_sent_once(asynchronous: bool) -> None:
    provider = Provider(started, approved, httpx.ReadError("broken"))
    settings: Any = {
        "transport": httpx.MockTransport(provider.answer),
        "_runtime": provider.runtime,
    }

    async def run_async() -> None:
        async with AsyncClient("https://agents.example", **settings) as client:
            flow = AsyncDeviceFlow(client)
            tokens = await flow.poll(await flow.start())
            assert isinstance(tokens, Tokens)
            assert tokens.refresh_token is not None
            await flow.refresh(tokens.refresh_token)

    def run() -> None:
        with Client("https://agents.example", **settings) as client:
            flow = DeviceFlow(client)
            tokens = flow.poll(flow.start())
            assert isinstance(tokens, Tokens)
            assert tokens.refresh_token is not None
            flow.refresh(tokens.refresh_token)

    with pytest.raises(OutcomeUnknown):
        asyncio.run(run_async()) if asynchronous else run()
    assert provider.asked[-1][2] == {
        "client_id": "agentserver-agent-cli",
        "grant_type": "refresh_token",
        "refresh_token": "the-refresh-token",
    }


def test_a_used_up_refresh_token_asks_for_a_new_sign_in() -> None:
    provider = Provider(refusal("invalid_grant"), httpx.Response(200, json={}))
    client = Client("https://agents.example", transport=httpx.MockTransport(provider.answer))
    with client, pytest.raises(AuthorizationExpired, match="sign in again"):
        DeviceFlow(client).refresh(Secret("old"))


def test_a_token_is_revoked_by_its_value() -> None:
    provider = Provider(httpx.Response(200, json={}))
    client = Client("https://agents.example", transport=httpx.MockTransport(provider.answer))
    with client:
        DeviceFlow(client).revoke(Secret("the-token"))
    assert provider.asked == [
        (0, "/api/oauth2/revoke", {"client_id": "agentserver-agent-cli", "token": "the-token"})
    ]


@both
def test_a_server_without_the_device_flow_is_told_by_its_status(asynchronous: bool) -> None:
    with pytest.raises(MethodNotAllowed):
        use(Provider(httpx.Response(405)), asynchronous)


@pytest.mark.parametrize(
    "change",
    [
        {"user_code": "\x1b[2J"},
        {"verification_uri": "javascript:alert(1)"},
        {"expires_in": 0},
        {"interval": "5"},
        {"device_code": None},
    ],
    ids=str,
)
def test_an_answer_that_must_not_be_shown_or_kept_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ResponseValidationError):
        use(Provider(httpx.Response(200, json=START | change)), False)


@pytest.mark.parametrize("change", [{"access_token": ""}, {"token_type": "mac"}], ids=str)
def test_tokens_of_another_form_are_refused_without_showing_them(change: dict[str, Any]) -> None:
    body = json.dumps(TOKENS | change).encode()
    provider = Provider(
        started, httpx.Response(200, content=body, headers={"content-type": "application/json"})
    )
    with pytest.raises(ResponseValidationError) as raised:
        use(provider, False, "poll")
    frames = [frame for frame, _ in traceback.walk_tb(raised.value.__traceback__)]
    locals_of_sdk = [
        repr(frame.f_locals) for frame in frames if Path(frame.f_code.co_filename).parent == SDK
    ]
    assert locals_of_sdk
    assert not [text for text in locals_of_sdk if "the-access-token" in text]
    assert not [text for text in locals_of_sdk if "the-refresh-token" in text]


def test_no_token_travels_over_plain_http_to_another_machine() -> None:
    with Client("http://agents.example") as client, pytest.raises(InsecureConnection):
        DeviceFlow(client)


def test_secrets_are_hidden_in_reprs() -> None:
    provider = Provider(started, approved)
    code = use(provider, False)
    assert "the-device-code" not in repr(code)
    provider.answers = [started, approved]
    tokens = use(provider, False, "poll")
    assert "the-access-token" not in repr(tokens)
    assert "the-refresh-token" not in repr(tokens)


def test_a_network_that_fails_at_the_start_is_told() -> None:
    with pytest.raises(ConnectionFailed):
        use(Provider(httpx.ConnectError("gone")), False)
