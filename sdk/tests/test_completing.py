"""Completing what a person has to approve: what is shown, how often is asked, what is raised."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from agentserver import AsyncClient, Client, Conflict, Gone
from agentserver.models import CredentialBindingCreateResponse, CredentialBindingPending

CREATE = "/api/workspaces/w1/credentials/k8s"
COMPLETE = f"{CREATE}/b1/device-complete"
PENDING = {
    "id": "b1",
    "status": "pending_device_code",
    "verification_uri": "https://login.example.com/device",
    "user_code": "WDJB-MJHT",
    "expires_in": 600,
}
KEPT = {
    "id": "b1",
    "display_name": "Production",
    "server_url": "https://k8s.example.com:6443",
    "auth_type": "oidc",
    "public_meta": {},
    "is_default": True,
}
GIVEN: Any = {"display_name": "Production", "config": "x"}


class Server:
    """Answers one thing after the other, and notes what it is asked and how long it may take."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.timeouts: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        self.timeouts.append(request.extensions["timeout"]["read"])
        status, body = self.answers.pop(0)
        headers = {"content-type": "text/plain"} if isinstance(body, str) else {}
        content: dict[str, Any] = {"text": body} if isinstance(body, str) else {"json": body}
        return httpx.Response(status, headers=headers, **content)

    def client(self) -> Client:
        transport = httpx.MockTransport(self)
        return Client(
            "http://127.0.0.1:1", session="0" * 64, http_client=httpx.Client(transport=transport)
        )

    def async_client(self) -> AsyncClient:
        transport = httpx.MockTransport(self)
        http = httpx.AsyncClient(transport=transport)
        return AsyncClient("http://127.0.0.1:1", session="0" * 64, http_client=http)


def test_the_code_is_shown_once_and_the_call_repeated_until_it_is_kept() -> None:
    server, shown = Server((202, PENDING), (202, PENDING), (202, PENDING), (201, KEPT)), []
    with server.client() as client:
        kept = client.credentials.create("w1", "k8s", **GIVEN, wait=True, on_code=shown.append)
    assert isinstance(kept, CredentialBindingCreateResponse)
    assert kept.id == "b1"
    assert server.asked == [CREATE, COMPLETE, COMPLETE, COMPLETE]
    (code,) = shown
    assert (code.verification_uri, code.user_code, code.expires_in) == (
        "https://login.example.com/device",
        "WDJB-MJHT",
        600,
    )


@pytest.mark.parametrize("is_coroutine", [False, True])
def test_it_is_the_same_asynchronously_and_the_callback_may_be_a_coroutine(
    is_coroutine: bool,
) -> None:
    server = Server((202, PENDING), (202, PENDING), (201, KEPT))
    shown: list[str] = []

    async def show(code: CredentialBindingPending) -> None:
        await asyncio.sleep(0)
        shown.append(code.user_code)

    async def main() -> CredentialBindingCreateResponse:
        async with server.async_client() as client:
            return await client.credentials.create(
                "w1",
                "k8s",
                **GIVEN,
                wait=True,
                on_code=show if is_coroutine else lambda code: shown.append(code.user_code),
            )

    assert asyncio.run(main()).id == "b1"
    assert server.asked == [CREATE, COMPLETE, COMPLETE]
    assert shown == ["WDJB-MJHT"]


def test_what_needs_no_approval_is_returned_at_once() -> None:
    server, shown = Server((201, KEPT)), []
    with server.client() as client:
        kept = client.credentials.create("w1", "k8s", **GIVEN, wait=True, on_code=shown.append)
    assert kept.id == "b1"
    assert (server.asked, shown) == ([CREATE], [])


def test_without_wait_the_code_is_returned() -> None:
    server = Server((202, PENDING), (202, PENDING), (201, KEPT))
    with server.client() as client:
        begun = client.credentials.create("w1", "k8s", **GIVEN)
        assert isinstance(begun, CredentialBindingPending)
        assert begun.status == "pending_device_code"
        again = client.credentials.complete("w1", "k8s", begun.id)
        assert isinstance(again, CredentialBindingPending)
        kept = client.credentials.complete("w1", "k8s", begun.id)
        assert isinstance(kept, CredentialBindingCreateResponse)


def test_the_code_is_printed_where_nothing_else_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Server((202, PENDING), (201, KEPT)).client() as client:
        client.credentials.create("w1", "k8s", **GIVEN, wait=True)
    printed = capsys.readouterr()
    assert printed.err == "Open https://login.example.com/device and enter the code WDJB-MJHT\n"
    assert printed.out == ""


@pytest.mark.parametrize(("status", "error"), [(409, Conflict), (410, Gone)])
def test_a_login_that_is_refused_or_expires_is_raised(status: int, error: type[Exception]) -> None:
    server = Server((202, PENDING), (202, PENDING), (status, "the login was refused\n"))
    with server.client() as client, pytest.raises(error):
        client.credentials.create("w1", "k8s", **GIVEN, wait=True, on_code=lambda _: None)


def test_the_answer_may_take_longer_than_the_server_waits() -> None:
    server = Server((202, PENDING), (201, KEPT))
    with server.client() as client:
        client.credentials.create("w1", "k8s", **GIVEN, wait=True, on_code=lambda _: None)
    assert server.timeouts[1] > 60


def test_the_raw_response_has_what_is_complete() -> None:
    with Server((202, PENDING), (201, KEPT)).client() as client:
        response = client.with_raw_response.credentials.create(
            "w1", "k8s", **GIVEN, wait=True, on_code=lambda _: None
        )
    assert response.data.id == "b1"
    assert isinstance(response.data, CredentialBindingCreateResponse)
