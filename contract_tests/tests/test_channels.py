"""Whether a run has channels depends on what the server's Telegram says of a made-up token."""

from __future__ import annotations

import httpx
import pytest

from agentserver import BadRequest, Client
from agentserver_contract.fixtures.im import can_connect


def client(status: int, text: str) -> Client:
    """A client of a server that answers all requests alike."""
    answer = httpx.Response(status, text=text)
    transport = httpx.MockTransport(lambda _request: answer)
    return Client("https://agents.example.com", session="a-session", transport=transport)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "bot_token: Telegram does not accept it\n"),
        (400, "invalid bot token: telegram getMe: API error 401: Unauthorized\n"),
        (502, "Telegram is unreachable\n"),
        (503, "channels are switched off\n"),
    ],
)
def test_without_a_bot_that_telegram_knows_a_run_has_no_channel(status: int, text: str) -> None:
    with client(status, text) as caller:
        assert not can_connect(caller, "a-workspace")


def test_any_other_refusal_of_a_valid_token_is_no_reason() -> None:
    with client(400, "bot_token: must match a pattern\n") as caller, pytest.raises(BadRequest):
        can_connect(caller, "a-workspace")
