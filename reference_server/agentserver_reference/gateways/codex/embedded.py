"""The built-in engine: no coding agent, but every form of answer.

It runs no commands and remembers nothing of a thread. It asks the workspace's language model once,
through the same proxy as everybody, and says what it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import anyio

from agentserver_reference.domain.turns import (
    BROKER_TIMEOUT,
    COMPLETED,
    FAILED,
    RPC_ERROR,
    Outcome,
)
from agentserver_reference.gateways.codex.conversation import Conversation
from agentserver_reference.gateways.codex.models import (
    ModelFailed,
    answer_of,
    failures_of_models,
    first_model,
)
from agentserver_reference.gateways.codex.protocol import Ask, Host, TurnRequest, Visit

INTRODUCTION = "I am agentserver's built-in engine, not codex: I run no commands. The model says:"


class BuiltInEngine:
    """Answers with what the workspace's language model says."""

    def __init__(self, clock: Callable[[], datetime], ids: Callable[[], str]) -> None:
        self._clock = clock
        self._ids = ids

    async def run(self, request: TurnRequest, host: Host) -> Outcome:
        """See Codex."""
        thread_id = request.thread_id or self._ids()
        given = request.params.get("input")
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            reason = "input: must be a list of objects"
            return Outcome(thread_id, transport=(RPC_ERROR, f"codex rpc error -32602: {reason}"))
        try:
            with anyio.fail_after(request.timeout):
                return Outcome(thread_id, turn=await self._turn(request.turn_id, given, host.ask))
        except TimeoutError:
            waited = f"the turn was not completed within {round(request.timeout * 1000)} ms"
            return Outcome(thread_id, transport=(BROKER_TIMEOUT, waited))

    async def converse(self, visit: Visit, _: Host) -> None:
        """See Codex."""
        await Conversation(visit, self._ids).run()

    async def _turn(self, turn_id: str, given: list[dict[str, Any]], ask: Ask) -> dict[str, Any]:
        began = self._clock()
        items: list[dict[str, Any]] = [{"id": "item-1", "type": "userMessage", "content": given}]
        error = None
        try:
            said = await _said(_words(given), ask)
            text = f"{INTRODUCTION} {said}"
            items.append({"id": "item-2", "type": "agentMessage", "text": text, "phase": None})
        except ModelFailed as failed:
            error = failed.error
        ended = self._clock()
        return {
            "id": turn_id,
            "status": COMPLETED if error is None else FAILED,
            "items": items,
            "itemsView": "full",
            "error": error,
            "startedAt": int(began.timestamp()),
            "completedAt": int(ended.timestamp()),
            "durationMs": max(0, int((ended - began).total_seconds() * 1000)),
        }

    async def close(self) -> None:
        """See Codex. Nothing is open."""


def _words(given: list[dict[str, Any]]) -> str:
    return "\n".join(item["text"] for item in given if isinstance(item.get("text"), str))


async def _said(words: str, ask: Ask) -> str:
    """Return what the first of the workspace's models says. Raises ModelFailed."""
    message = {"role": "user", "content": [{"type": "input_text", "text": words}]}
    with failures_of_models():
        given = {"model": await first_model(ask), "input": [message], "stream": False}
        answer = await ask("POST", "/v1/responses", json.dumps(given).encode())
        return "".join(_texts(answer_of(*answer)))


def _texts(answer: dict[str, Any]) -> Iterator[str]:
    for item in answer["output"]:
        if item.get("type") == "message":
            yield from (part["text"] for part in item["content"] if "text" in part)
