"""The two APIs for language models that are served, each with its own form of everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs


@attrs.frozen
class ModelApi:
    """One of the APIs."""

    provider: str
    """Its name in usage and traces."""
    trace_prefix: str
    request_prefix: str
    credential: Callable[[str], tuple[str, str]]
    """Returns the header that carries an API key."""
    error: Callable[[int, str, str], dict[str, Any]]
    """Returns the body of an error: of a status, a line of text and a request id."""


_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}
_OPENAI_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


def _anthropic_error(status: int, line: str, request_id: str) -> dict[str, Any]:
    kind = _ANTHROPIC_TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": line}, "request_id": request_id}


def _openai_error(status: int, line: str, request_id: str) -> dict[str, Any]:
    kind = "invalid_request_error" if status < 500 else "server_error"
    if status == 429:
        kind = "requests"
    error = {"message": line, "type": kind, "param": None, "code": _OPENAI_CODES.get(status)}
    return {"error": error}


ANTHROPIC = ModelApi(
    provider="anthropic",
    trace_prefix="at-",
    request_prefix="ar-",
    credential=lambda key: ("x-api-key", key),
    error=_anthropic_error,
)
OPENAI = ModelApi(
    provider="openai",
    trace_prefix="ot-",
    request_prefix="or-",
    credential=lambda key: ("authorization", f"Bearer {key}"),
    error=_openai_error,
)


@attrs.frozen
class ModelRoute:
    """A path of one of the APIs."""

    method: str
    api: ModelApi
    is_recorded: bool
    """Whether requests count, and leave a trace."""


ROUTES: Mapping[str, ModelRoute] = {
    "/v1/messages": ModelRoute("POST", ANTHROPIC, is_recorded=True),
    "/v1/messages/count_tokens": ModelRoute("POST", ANTHROPIC, is_recorded=False),
    "/v1/models": ModelRoute("GET", OPENAI, is_recorded=False),
    "/v1/responses": ModelRoute("POST", OPENAI, is_recorded=True),
    "/v1/chat/completions": ModelRoute("POST", OPENAI, is_recorded=True),
}
"""The paths that are served. `/v1/models` belongs to both APIs; see `api_of`."""


def api_of(route: ModelRoute, headers: Mapping[str, str]) -> ModelApi:
    """Return the API that a request belongs to: Anthropic's clients always name its version."""
    return ANTHROPIC if "anthropic-version" in headers else route.api


def token_of(headers: Mapping[str, str]) -> str | None:
    """Return the token in `x-api-key`, otherwise the one in `Authorization: Bearer`."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return headers.get("x-api-key", "").strip() or bearer or None
