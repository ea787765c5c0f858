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

from agentserver_reference.domain.errors import BadRequest, Refusal, TooManyRequests
from agentserver_reference.domain.turns import (
    BROKER_TIMEOUT,
    COMPLETED,
    FAILED,
    RPC_ERROR,
    Outcome,
)
from agentserver_reference.gateways.codex.conversation import Conversation
from agentserver_reference.gateways.codex.protocol import Ask, TurnRequest, Visit

INTRODUCTION = "I am agentserver's built-in engine, not codex: I run no commands. The model says:"

_TOO_LONG = b"context_length_exceeded"
_INFO = {429: "usageLimitExceeded", 503: "serverOverloaded", 529: "serverOverloaded"}
"""How codex classifies what a model answers, by its status."""


class _Failed(Exception):
    """The turn fails, for a reason in words and one as codex classifies it."""

    def __init__(self, message: str, info: str) -> None:
        super().__init__(message)
        self.error = {"message": message, "codexErrorInfo": info}


class BuiltInEngine:
    """Answers with what the workspace's language model says."""

    def __init__(self, clock: Callable[[], datetime], ids: Callable[[], str]) -> None:
        self._clock = clock
        self._ids = ids

    async def run(self, request: TurnRequest, ask: Ask) -> Outcome:
        """See Codex."""
        thread_id = request.thread_id or self._ids()
        given = request.params.get("input")
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            reason = "input: must be a list of objects"
            return Outcome(thread_id, transport=(RPC_ERROR, f"codex rpc error -32602: {reason}"))
        try:
            with anyio.fail_after(request.timeout):
                return Outcome(thread_id, turn=await self._turn(request.turn_id, given, ask))
        except TimeoutError:
            waited = f"the turn was not completed within {round(request.timeout * 1000)} ms"
            return Outcome(thread_id, transport=(BROKER_TIMEOUT, waited))

    async def converse(self, visit: Visit) -> None:
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
        except _Failed as failed:
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
    """Return what the first of the workspace's models says. Raises _Failed."""
    try:
        models = _read(*await ask("GET", "/v1/models", b""))
        model = models["data"][0]["id"]
        message = {"role": "user", "content": [{"type": "input_text", "text": words}]}
        body = json.dumps({"model": model, "input": [message], "stream": False}).encode()
        answer = _read(*await ask("POST", "/v1/responses", body))
        return "".join(_texts(answer))
    except TooManyRequests as refusal:
        raise _Failed(refusal.line, "usageLimitExceeded") from None
    except BadRequest as refusal:
        raise _Failed(refusal.line, "badRequest") from None
    except Refusal as refusal:
        raise _Failed(refusal.line, "internalServerError") from None
    except (LookupError, TypeError, AttributeError, ValueError):
        raise _Failed("the language model's answer cannot be read", "other") from None


def _read(status: int, body: bytes) -> Any:
    if status != 200:
        info = "contextWindowExceeded" if _TOO_LONG in body else _INFO.get(status)
        raise _Failed(f"the language model has answered {status}", info or "internalServerError")
    return json.loads(body)


def _texts(answer: dict[str, Any]) -> Iterator[str]:
    for item in answer["output"]:
        if item.get("type") == "message":
            yield from (part["text"] for part in item["content"] if "text" in part)
