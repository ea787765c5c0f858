"""Codex tokens: their form, who may have them, how long they live, and how many there may be."""

import re
from datetime import datetime, timedelta

from agentserver_reference.domain import minted
from agentserver_reference.domain.errors import Forbidden
from agentserver_reference.domain.roles import is_at_least

FORM = re.compile(r"ast_[0-9a-z]{8}_[0-9a-z]{40}")
"""Matches a whole token."""

DEFAULT_DAYS = 90
"""How many days a token lives, unless its maker says otherwise."""

MOST = minted.MOST
"""How many tokens of a workspace may be valid at a time."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_DIGITS, _SECRET_DIGITS = 8, 40


def new_codex_token(first: str, second: str) -> str:
    """Return a new token, made of two fresh random ones of 64 hexadecimal digits each.

    One has hardly more bits than there are tokens, so that some digits would be likelier.
    """
    number, digits = int(first + second, 16), ""
    for _ in range(_ID_DIGITS + _SECRET_DIGITS):
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return f"ast_{digits[:_ID_DIGITS]}_{digits[_ID_DIGITS:]}"


def new_session_id(token: str) -> str:
    """Return the id of a new session, made of a fresh random token of hexadecimal digits."""
    return f"cbs_{token[:32]}"


def id_of(token: str) -> str:
    """Return the id of a token, which stands in it."""
    return token.split("_")[1]


def expiry(now: datetime, days: int | None) -> datetime:
    """Return when a token ends that is made now and lives for so many days."""
    return now + timedelta(days=DEFAULT_DAYS if days is None else days)


def check_room(valid: int) -> None:
    """Raise Conflict if a workspace with so many valid tokens may have no other."""
    minted.check_room(valid, MOST, "codex tokens that are valid")


def check_may_revoke(is_own: bool, role: str | None) -> None:
    """Raise Forbidden if a token is neither the caller's own nor one that the caller manages.

    Arguments:
        is_own: whether it is the caller's own.
        role: the caller's role in the token's workspace; None for one who is no member.
    """
    if not is_own and (role is None or not is_at_least(role, "maintainer")):
        raise Forbidden("insufficient permissions")
