"""Channels: the bots by which people write to a workspace."""

import re
from typing import Any

from agentserver_reference.domain.errors import NotFound

TELEGRAM, MATRIX, WEIXIN = "telegram", "matrix", "weixin"
NAMES = {TELEGRAM: "Telegram", MATRIX: "the homeserver", WEIXIN: "WeChat"}
"""The services, as they are called in messages."""

DEFAULT_ROUTING_MODE = "codex"

BINDABLE_TYPES = frozenset({"openclaw", "nanoclaw"})
"""The types of sandboxes that show the channel which is bound to them."""


def check_is_known(*, is_known: bool, where: str = "") -> None:
    """Raise NotFound if a workspace has no such channel."""
    if not is_known:
        raise NotFound(f"channel not found{where}")


CONFIRMED, EXPIRED = "confirmed", "expired"
_REDIRECTED = "scaned_but_redirect"
_ELSEWHERE, _BLOCKED = "binded_redirect", "verify_code_blocked"
ENDING = frozenset({_ELSEWHERE, _BLOCKED})
"""The statuses after which a login to WeChat is over, although no bot is connected."""

_STATUSES: dict[str, dict[str, Any]] = {
    **{each: {} for each in ("wait", "scaned", "need_verifycode", CONFIRMED, EXPIRED)},
    _REDIRECTED: {"status": "scaned"},
    _ELSEWHERE: {"already_connected": True, "message": "The bot is connected elsewhere already."},
    _BLOCKED: {"message": "The number was wrong too often. Begin again later."},
}


def weixin_status(status: str) -> dict[str, Any] | None:
    """Return how a status of a login to WeChat is shown; None for one that is unknown."""
    if status not in _STATUSES:
        return None
    return {"connected": status == CONFIRMED, "status": status} | _STATUSES[status]


def weixin_bot_id(given: str) -> str:
    """Return the id of a WeChat bot as the system has it."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", given)
