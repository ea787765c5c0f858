"""Channels: the bots by which people write to a workspace."""

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
