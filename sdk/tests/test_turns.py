"""Turns: the key that each call has, the time that it may take, and how it is repeated."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from agentserver import Client

ANSWER = {"threadId": "t", "turn": {"id": "i", "status": "completed", "items": []}}


def client(answers: list[Any], seen: list[httpx.Request]) -> Client:
    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(200, json=answer)

    return Client("http://127.0.0.1", token="wak_x", transport=httpx.MockTransport(handle))


def test_every_turn_has_a_key_of_its_own_or_the_one_given() -> None:
    seen: list[httpx.Request] = []
    with client([ANSWER] * 3, seen) as bot:
        for key in ({}, {}, {"idempotency_key": "mine"}):
            bot.turns.submit(workspace_id="w", params={}, **key)
    first, second, third = (each.headers["idempotency-key"] for each in seen)
    assert UUID(first) != UUID(second)
    assert third == "mine"


def test_a_turn_whose_answer_is_lost_is_sent_again_with_its_key() -> None:
    seen: list[httpx.Request] = []
    with client([httpx.ReadError("gone"), ANSWER], seen) as bot:
        assert bot.turns.submit(workspace_id="w", params={}).thread_id == "t"
    first, second = (each.headers["idempotency-key"] for each in seen)
    assert first == second
    assert json.loads(seen[0].content) == json.loads(seen[1].content)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [({}, 3660), ({"timeout_ms": 1000}, 61), ({"timeout_ms": 1000, "timeout": 5.0}, 5)],
)
def test_a_turn_may_take_its_own_time_and_a_minute(given: Any, seconds: float) -> None:
    seen: list[httpx.Request] = []
    with client([ANSWER], seen).with_options(timeout=2, deadline=3) as bot:
        bot.turns.submit(workspace_id="w", params={}, **given)
    assert seen[0].extensions["timeout"]["read"] == pytest.approx(seconds, abs=1)


def test_a_token_is_sent_as_bearer() -> None:
    seen: list[httpx.Request] = []
    with client([ANSWER], seen) as bot:
        bot.turns.submit(workspace_id="w", params={})
    assert seen[0].headers["authorization"] == "Bearer wak_x"
