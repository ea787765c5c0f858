"""The workspace's language models, as far as codex has to know of them before a turn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agentserver_reference.domain.errors import BadRequest, Refusal, TooManyRequests
from agentserver_reference.gateways.codex.protocol import Ask

_TOO_LONG = b"context_length_exceeded"
_INFO = {429: "usageLimitExceeded", 503: "serverOverloaded", 529: "serverOverloaded"}
"""How codex classifies what a model answers, by its status."""


class ModelFailed(Exception):
    """The turn fails, for a reason in words and one as codex classifies it."""

    def __init__(self, message: str, info: str) -> None:
        super().__init__(message)
        self.error = {"message": message, "codexErrorInfo": info}


async def first_model(ask: Ask) -> str:
    """Return the name of the first of the workspace's models. Raises ModelFailed."""
    with failures_of_models():
        models = answer_of(*await ask("GET", "/v1/models", b""))
        return str(models["data"][0]["id"])


@contextmanager
def failures_of_models() -> Iterator[None]:
    """Raise ModelFailed for whatever keeps a model from answering."""
    try:
        yield
    except TooManyRequests as refusal:
        raise ModelFailed(refusal.line, "usageLimitExceeded") from None
    except BadRequest as refusal:
        raise ModelFailed(refusal.line, "badRequest") from None
    except Refusal as refusal:
        raise ModelFailed(refusal.line, "internalServerError") from None
    except (LookupError, TypeError, AttributeError, ValueError):
        raise ModelFailed("the language model's answer cannot be read", "other") from None


def answer_of(status: int, body: bytes) -> Any:
    """Return what a model has answered. Raises ModelFailed."""
    if status != 200:
        info = "contextWindowExceeded" if _TOO_LONG in body else _INFO.get(status)
        message = f"the language model has answered {status}"
        raise ModelFailed(message, info or "internalServerError")
    return json.loads(body)
