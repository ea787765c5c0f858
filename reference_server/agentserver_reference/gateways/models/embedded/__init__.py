"""The built-in model: no intelligence, but every form of answer, and always the same one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from agentserver_reference.domain.errors import BadRequest
from agentserver_reference.gateways.models.embedded import (
    chat_completions,
    messages,
    model_list,
    responses,
)
from agentserver_reference.gateways.models.protocol import ModelRequest
from agentserver_reference.replies import PassThrough

Answers = dict[str, Any] | Iterator[bytes]

_ANSWER: Mapping[str, Callable[[dict[str, Any], str, int], Answers]] = {
    "/v1/messages": messages.answer,
    "/v1/messages/count_tokens": messages.count_tokens,
    "/v1/chat/completions": chat_completions.answer,
    "/v1/responses": responses.answer,
    "/v1/models": model_list.answer,
}
"""What answers each path: given the body, a new id and the time in seconds, it returns one object,
or the encoded events of a stream."""


class BuiltInModel:
    """Answers by itself, and says that it is no language model."""

    def __init__(self, clock: Callable[[], datetime], ids: Callable[[], str]) -> None:
        self._clock = clock
        self._ids = ids

    async def send(self, request: ModelRequest) -> PassThrough:
        """See Model."""
        body = _read(request.body) if request.method == "POST" else {}
        new_id = self._ids().replace("-", "")
        answer = _ANSWER[request.path](body, new_id, int(self._clock().timestamp()))
        if isinstance(answer, dict):
            chunks = iter([json.dumps(answer).encode()])
            return PassThrough(200, _JSON, _each(chunks), _nothing)
        return PassThrough(200, _EVENTS, _each(answer), _nothing)


_JSON = (("content-type", "application/json"),)
_EVENTS = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-accel-buffering", "no"),
)


def _read(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("body: must be JSON") from None
    if not isinstance(value, dict):
        raise BadRequest("body: must be one JSON object")
    if not isinstance(value.get("model"), str):
        raise BadRequest("model: must be a string")
    return value


async def _each(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _nothing() -> None:
    """There is no connection to close."""
