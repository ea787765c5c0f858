"""What both bare servers share: Starlette and the cookie, no contract, no validation, no ORM."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

NAMES = ("id", "name", "created_at", "updated_at")

_encode = msgspec.json.Encoder().encode


def now() -> str:
    """The time as the tables have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def token_hash(request: Request) -> str:
    """What the tables have of the caller's session."""
    return sha256(request.cookies.get("agentserver-token", "").encode()).hexdigest()


def unauthenticated() -> Response:
    """The answer to a caller without a session."""
    return Response("unauthorized\n", 401, media_type="text/plain")


def not_a_member() -> Response:
    """The answer to a caller who may not see the workspace."""
    return Response("not a workspace member\n", 403, media_type="text/plain")


def over_quota() -> Response:
    """The answer to a caller who has as many workspaces as the quota allows."""
    return answer({"error": "quota_exceeded"}, 403)


SETTING = "quota_max_workspaces_per_user"


def is_used_up(owned: int, override: int | None, setting: str | None) -> bool:
    """Whether a user may own no more workspaces; a maximum of 0 is no limit."""
    maximum = int(setting or 10) if override is None else override
    return 0 < maximum <= owned


def answer(body: Any, status: int = 200) -> Response:
    """A body as JSON."""
    return Response(_encode(body), status, media_type="application/json")
